// The share of a kernel call that one thread of a team does.
// A kernel is called by every thread of the team with the same arguments and a lane of its own, and computes
// the part of the output that its lane names; no two lanes write the same element, and which lane computes an
// element never changes its value. Thread safety: a value type.
#pragma once

#include <cstdint>

namespace caravan {

struct Lane {
  int index = 0;  ///< 0 .. count - 1
  int count = 1;
};

/// A half-open range of work items.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

/// The consecutive part of `items` work items that `lane` does, in multiples of `grain` items (the last part
/// takes the rest). Parts differ by at most one grain.
constexpr Range share_of(int64_t items, Lane lane, int64_t grain = 1) {
  const int64_t grains = (items + grain - 1) / grain;
  const int64_t begin = grains * lane.index / lane.count * grain;
  const int64_t end = grains * (lane.index + 1) / lane.count * grain;
  return {begin < items ? begin : items, end < items ? end : items};
}

}  // namespace caravan
