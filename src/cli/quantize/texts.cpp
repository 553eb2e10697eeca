#include "cli/quantize/texts.h"

#include <algorithm>

#include "base/error.h"
#include "cli/eval/encoding.h"
#include "cli/eval/texts.h"
#include "models/generation_config.h"

namespace caravan::cli {

namespace {

namespace fs = std::filesystem;

/// Tokens of a piece of a plain text, and the most of a row: long enough for attention to have something to
/// look at, and short enough that a budget of tokens holds many beginnings and kinds of text.
constexpr int64_t kPiece = 512;

fs::path calibration_file(const QuantizeFlags& flags) {
  if (flags.calibration) return *flags.calibration;
  const fs::path own = flags.model / "calibration.jsonl";
  if (file_exists(own)) return own;
  fail("--calib-file: is missing, and ", flags.model.string(),
       " has no calibration.jsonl of its own as models/demo has, expected --calib-file FILE for what was "
       "asked "
       "for");
}

}  // namespace

std::vector<std::vector<int32_t>> calibration_texts(const QuantizeFlags& flags, const ModelConfig& config) {
  const fs::path path = calibration_file(flags);
  eval::TextFile file(path);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(flags.model);
  if (!tokenizer)
    fail(flags.model.string(), ": has no tokenizer, expected one, to turn the calibration text into tokens");
  const eval::Encoder encoder(flags.model.string(), config, *tokenizer,
                              load_generation_config(flags.model).eos_tokens);
  const auto piece = static_cast<size_t>(std::min(kPiece, config.max_position));
  auto left = static_cast<size_t>(flags.calibration_tokens);
  std::vector<std::vector<int32_t>> texts;
  int64_t tokens = 0;
  while (const std::optional<eval::Text> text = file.next()) {
    const std::vector<int32_t> ids = encoder.text(*text, file.has_rows());
    for (size_t begin = 0; begin < ids.size() && left > 0; begin += piece) {
      const size_t count = std::min({piece, ids.size() - begin, left});
      texts.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                         ids.begin() + static_cast<std::ptrdiff_t>(begin + count));
      tokens += static_cast<int64_t>(count);
      left -= count;
      if (file.has_rows()) break;
    }
    if (left == 0) break;
  }
  const int64_t fewest = std::min(kFewestCalibrationTokens, flags.calibration_tokens);
  if (tokens < fewest) {
    fail(path.string(), ": has ", tokens, " tokens of calibration text, expected at least ", fewest);
  }
  return texts;
}

}  // namespace caravan::cli
