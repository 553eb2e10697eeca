// A checkpoint as it is evaluated: its tokenizer, and while it is measured its engine.
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/eval/plan.h"
#include "cli/eval/scores.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

namespace caravan::eval {

struct Checkpoint {
  PlannedCheckpoint planned;
  std::optional<Tokenizer> tokenizer;
  std::vector<int32_t> stop_tokens;
  std::unique_ptr<Engine> engine;  ///< null while it is not in memory
  // Known once it was loaded:
  DType dtype = DType::kF32;          ///< of its weights that are not quantised
  std::optional<std::string> scheme;  ///< "w8a8", "w4a16 g128": of most of those that are, if any
  DType kv_dtype = DType::kF32;       ///< of its KV cache
  uint64_t weight_bytes = 0;
  Scores scores;

  [[nodiscard]] std::string path() const { return planned.flags.model_path.string(); }
};

/// All but its weights. Throws Error on what is wrong with its files.
Checkpoint open_checkpoint(const PlannedCheckpoint& planned);

/// Loads its weights for sequences of `max_length` tokens, one at a time. Throws Error on what is wrong with
/// them. False, and nothing loaded, if they and the KV cache do not fit into `free_bytes` of memory.
bool load_if_fits(Checkpoint& checkpoint, int64_t max_length, uint64_t free_bytes);
/// The same, where too little memory is an Error, too.
void load(Checkpoint& checkpoint, int64_t max_length, uint64_t free_bytes);

}  // namespace caravan::eval
