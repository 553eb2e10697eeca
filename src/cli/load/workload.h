// The requests of a plan, one after the other, without any text yet: the same for the same plan.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/load/plan.h"
#include "cli/load/random.h"

namespace caravan::load {

/// A part of a prompt. Pieces of the same stream are equal as far as both go.
struct PromptPiece {
  uint64_t stream = 0;
  int64_t tokens = 0;
};

struct WorkItem {
  int64_t index = 0;
  double arrival_s = 0.0;  ///< from the start of the measurement
  std::vector<PromptPiece> prompt;
  int64_t input_tokens = 0;  ///< of all pieces
  int64_t output_tokens = 0;
};

class Workload {
 public:
  /// `plan` must outlive this.
  explicit Workload(const LoadPlan& plan);

  /// The next request, in the order of arrival, or nothing after the last. The end of the plan's duration is
  /// not looked at.
  std::optional<WorkItem> next();
  /// How many there are in all, where that is known.
  [[nodiscard]] std::optional<int64_t> size() const;
  /// A request of the plan's lengths whose prompt no other has in common: for warming up.
  WorkItem warmup(int64_t index);

 private:
  [[nodiscard]] WorkItem drawn();
  [[nodiscard]] WorkItem from_trace() const;

  const LoadPlan* plan_;
  Random lengths_;
  Random gaps_;
  Random groups_;
  Random warmups_;
  int64_t index_ = 0;
  double arrival_s_ = 0.0;
};

}  // namespace caravan::load
