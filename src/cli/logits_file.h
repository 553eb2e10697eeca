// `--logits-out`: the logits of every position of every prompt, in one safetensors file.
//
// For prompt i of the command line, "logits.i" is fp32 [positions, vocab]: row p holds the logits after token
// p, for every token of prompt and output but the last, after which nothing was computed. "token_ids.i" is
// int32 [positions + 1]: the tokens themselves. Invariants: the file appears under its name only when it is
// whole. Rows are kept in memory until then, because prompts that run together finish in any order and a
// tensor's rows must lie side by side. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/file.h"

namespace caravan::cli {

class LogitsFile {
 public:
  /// Throws Error, before anything is computed, if `path` cannot be written.
  LogitsFile(const std::filesystem::path& path, size_t prompts, int64_t vocab);

  /// Adds rows, fp32 [rows, vocab], to prompt `prompt`.
  void add(size_t prompt, std::span<const float> logits);
  /// Writes the file; `token_ids` has prompt and output of each prompt. Throws Error if a write fails.
  void commit(const std::vector<std::vector<int32_t>>& token_ids);

 private:
  OutputFile file_;
  int64_t vocab_;
  std::vector<std::vector<float>> logits_;  ///< [prompts][positions * vocab]
};

}  // namespace caravan::cli
