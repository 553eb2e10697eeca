// Runs the checkpoints over the texts and questions, and counts.
//
// All that are in memory read a window together, step by step, so that the logits of no more than a step's
// tokens are ever held, and none go to disk: over a text of 300,000 tokens the baseline's logits of a
// vocabulary of 32,000 would fill 40 GB. As many checkpoints as memory has room for are loaded beside the
// baseline; for the others the text is read again, by the baseline too. Thread safety: one thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/machine.h"
#include "cli/eval/checkpoint.h"
#include "cli/eval/encoding.h"
#include "cli/eval/texts.h"

namespace caravan::eval {

/// What is measured, in the baseline's tokens.
struct EvalWork {
  TextFile* text = nullptr;  ///< null for none
  std::vector<Question> questions;
  std::vector<QuestionRow> rows;  ///< [questions]
  int64_t max_length = 0;
  int64_t stride = 0;
  bool with_end = false;
  int64_t window_limit = INT64_MAX;
  /// Bytes of memory that are free now: asked before each checkpoint is loaded.
  std::function<uint64_t()> free_memory = [] { return machine_memory().available_bytes; };
};

/// Is told from time to time what is going on.
using EvalProgress = std::function<void(const std::string& what)>;

/// What was read of the text.
struct TextExtent {
  int64_t texts = 0;
  int64_t windows = 0;
};

/// Scores all checkpoints, whose engines are gone again afterwards. Throws Error on what loading them throws
/// it on, where one does not fit beside the baseline, and where the tokenizers do not agree about a text.
TextExtent evaluate(std::vector<Checkpoint>& checkpoints, size_t baseline, const EvalWork& work,
                    const EvalProgress& progress);

/// Is given the row of logits that each engine has after token `position`.
using RowsTaker = std::function<void(size_t position, std::span<const std::span<const float>> rows)>;

/// Runs all engines, made with equal options and of one vocabulary, over `tokens`.
void run_rows(std::span<Engine* const> engines, std::span<const int32_t> tokens, const RowsTaker& take);

}  // namespace caravan::eval
