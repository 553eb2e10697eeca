// What scheduling knows of a sequence: its tokens, how many of them are computed, and its blocks.
// Thread safety: a value type, the engine's thread's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kv/block_table.h"

namespace caravan {

struct ScheduledSequence {
  int64_t id = 0;                ///< greater for those that came later
  std::string client;            ///< whom its service is charged to
  int64_t priority = 0;          ///< smaller runs earlier
  int64_t places = 1;            ///< how many sequences it may become
  std::vector<int32_t> tokens;   ///< prompt and output so far
  int64_t prompt_length = 0;     ///< of them
  int64_t max_length = 0;        ///< how many they can become
  int64_t computed = 0;          ///< of them, those with keys and values in the cache
  int64_t cached = 0;            ///< of the prompt, those that were found in the cache when it first ran
  bool may_adopt = true;         ///< its prompt's blocks may come from the prefix cache
  bool one_by_one = false;       ///< its output may not be computed again but token by token
  bool started = false;          ///< has run before
  int64_t max_rows = INT64_MAX;  ///< most tokens of one step
  int64_t let_in = 0;            ///< the step before which it was let in, the last time
  /// The step that computed its prompt to the end, the first time; before, none is as late.
  int64_t first_output = INT64_MAX;
  BlockTable blocks;

  [[nodiscard]] int64_t length() const { return static_cast<int64_t>(tokens.size()); }
  [[nodiscard]] int64_t missing() const { return length() - computed; }
  [[nodiscard]] bool in_prompt() const { return computed < prompt_length; }
};

}  // namespace caravan
