#include "cli/logits_file.h"

#include <string_view>

#include "base/error.h"
#include "checkpoint/safetensors.h"

namespace caravan::cli {

namespace {

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

LogitsFile::LogitsFile(const std::filesystem::path& path, size_t prompts, int64_t vocab)
    : file_(path), vocab_(vocab), logits_(prompts) {}

void LogitsFile::add(size_t prompt, std::span<const float> logits) {
  std::vector<float>& rows = logits_.at(prompt);
  rows.insert(rows.end(), logits.begin(), logits.end());
}

void LogitsFile::commit(const std::vector<std::vector<int32_t>>& token_ids) {
  CARAVAN_CHECK_EQ(token_ids.size(), logits_.size());
  std::vector<TensorToWrite> tensors;
  for (size_t i = 0; i < logits_.size(); ++i) {
    const auto positions = static_cast<int64_t>(logits_[i].size()) / vocab_;
    const auto tokens = static_cast<int64_t>(token_ids[i].size());
    CARAVAN_CHECK_EQ(positions + 1, tokens);
    tensors.push_back({"logits." + std::to_string(i), DType::kF32, {positions, vocab_}});
    tensors.push_back({"token_ids." + std::to_string(i), DType::kI32, {tokens}});
  }
  file_.write(safetensors_header(tensors, {}));
  for (size_t i = 0; i < logits_.size(); ++i) {
    file_.write(bytes_of(logits_[i]));
    file_.write(bytes_of(token_ids[i]));
  }
  file_.commit();
}

}  // namespace caravan::cli
