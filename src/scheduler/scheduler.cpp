#include "scheduler/scheduler.h"

#include <algorithm>

namespace caravan {

std::vector<StepPart> plan_step(std::span<const SequenceLengths> sequences, int64_t max_batch_tokens) {
  const auto missing = [&sequences](size_t index) {
    return sequences[index].tokens - sequences[index].computed;
  };
  int64_t room = max_batch_tokens;
  for (size_t index = 0; index < sequences.size(); ++index) {
    if (missing(index) == 1) --room;
  }
  std::vector<StepPart> parts;
  for (size_t index = 0; index < sequences.size(); ++index) {
    if (missing(index) == 1) {
      parts.push_back({index, 1});
    } else if (const int64_t count = std::min(missing(index), room); count > 0) {
      parts.push_back({index, count});
      room -= count;
    }
  }
  return parts;
}

}  // namespace caravan
