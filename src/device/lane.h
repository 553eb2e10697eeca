// The share of a kernel call that one thread of a team does.
// A kernel is called by every thread of the team with the same arguments and a lane of its own, and computes
// the part of the output that its lane names; no two lanes write the same element, and which lane computes an
// element never changes its value. Thread safety: a value type.
#pragma once

#include <atomic>
#include <cstdint>

namespace caravan {

struct Lane {
  int index = 0;  ///< 0 .. count - 1
  int count = 1;
  /// A counter that all lanes of the call share, 0 when it starts, or null: then items are dealt in turn.
  std::atomic<int64_t>* tickets = nullptr;

  /// Calls work(item) for the lane's share of `items` items of like size: with tickets whichever lane is free
  /// takes the next, so that a lane that was slowed down gets fewer.
  template <typename Work>
  void for_each(int64_t items, const Work& work) const {
    if (tickets == nullptr || count == 1) {
      for (int64_t item = index; item < items; item += count) work(item);
      return;
    }
    for (int64_t item = take(); item < items; item = take()) work(item);
  }

 private:
  [[nodiscard]] int64_t take() const { return tickets->fetch_add(1, std::memory_order_relaxed); }
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
