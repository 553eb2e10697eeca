// The rows that `caravan eval` reads, and what they become in tokens of the demo model: an answer lies within
// its question, and no token is outside the vocabulary.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "cli/eval/encoding.h"
#include "cli/eval/texts.h"

namespace {

using caravan::eval::Encoder;

void require_known(const std::vector<int32_t>& tokens, int64_t vocab) {
  for (const int32_t token : tokens) {
    if (token < 0 || token >= vocab) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path kDemo = std::filesystem::path(CARAVAN_SOURCE_DIR) / "models" / "demo";
  static const caravan::Tokenizer kTokenizer = caravan::load_tokenizer(kDemo).value();
  static const caravan::ModelConfig kConfig = caravan::load_config(kDemo);
  static const Encoder kEncoder("demo", kConfig, kTokenizer, kConfig.eos_tokens);
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  try {
    require_known(kEncoder.text(caravan::eval::text_row(line, "fuzz"), true), kConfig.vocab_size);
  } catch (const caravan::Error&) {
  }
  try {
    const caravan::eval::Question question = kEncoder.question(caravan::eval::question_row(line, "fuzz"));
    require_known(question.tokens, kConfig.vocab_size);
    if (question.answer < 1 || question.answer >= question.tokens.size()) std::abort();
  } catch (const caravan::Error&) {
  }
  return 0;
}
