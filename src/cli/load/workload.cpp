#include "cli/load/workload.h"

#include <algorithm>
#include <cmath>

namespace caravan::load {

namespace {

// What a stream's number stands for, so that no two kinds have a number in common.
enum class Kind : uint64_t {
  kLengths = 1,
  kGaps,
  kGroups,
  kWarmups,
  kUnique,
  kPrefix,
  kBlock,
  kWarmupPrompt
};

uint64_t stream_of(Kind kind, uint64_t number) { return seed_of(static_cast<uint64_t>(kind), number); }

Random random_of(uint64_t seed, Kind kind) { return Random(seed_of(seed, static_cast<uint64_t>(kind))); }

}  // namespace

Workload::Workload(const LoadPlan& plan)
    : plan_(&plan),
      lengths_(random_of(plan.seed, Kind::kLengths)),
      gaps_(random_of(plan.seed, Kind::kGaps)),
      groups_(random_of(plan.seed, Kind::kGroups)),
      warmups_(random_of(plan.seed, Kind::kWarmups)) {}

std::optional<int64_t> Workload::size() const {
  if (plan_->trace.empty()) return plan_->requests;
  const auto rows = static_cast<int64_t>(plan_->trace.size());
  return std::min(rows, plan_->requests.value_or(rows));
}

std::optional<WorkItem> Workload::next() {
  const std::optional<int64_t> last = size();
  if (last.has_value() && index_ >= *last) return std::nullopt;
  WorkItem item = plan_->trace.empty() ? drawn() : from_trace();
  ++index_;
  return item;
}

WorkItem Workload::drawn() {
  WorkItem item;
  item.index = index_;
  if (std::isfinite(plan_->rate) && index_ > 0)
    arrival_s_ += gaps_.gamma(plan_->burstiness) / (plan_->burstiness * plan_->rate);
  item.arrival_s = arrival_s_;
  if (plan_->shared_prefix > 0) {
    const uint64_t group = groups_.below(static_cast<uint64_t>(plan_->prefix_groups));
    item.prompt.push_back({stream_of(Kind::kPrefix, group), plan_->shared_prefix});
  }
  const int64_t own = plan_->input.draw(lengths_);
  item.prompt.push_back({stream_of(Kind::kUnique, static_cast<uint64_t>(index_)), own});
  item.input_tokens = plan_->shared_prefix + own;
  item.output_tokens = plan_->output.draw(lengths_);
  return item;
}

WorkItem Workload::from_trace() const {
  const TraceRequest& row = plan_->trace[static_cast<size_t>(index_)];
  WorkItem item;
  item.index = index_;
  // A part of a longer trace begins with its first request.
  item.arrival_s = (row.timestamp_ms - plan_->trace.front().timestamp_ms) / 1e3;
  item.input_tokens = row.input_length;
  item.output_tokens = row.output_length;
  int64_t left = row.input_length;
  for (const uint64_t id : row.hash_ids) {
    const int64_t tokens = std::min(left, kTraceBlock);
    item.prompt.push_back({stream_of(Kind::kBlock, id), tokens});
    left -= tokens;
  }
  if (left > 0) item.prompt.push_back({stream_of(Kind::kUnique, static_cast<uint64_t>(index_)), left});
  return item;
}

WorkItem Workload::warmup(int64_t index) {
  WorkItem item;
  item.index = index;
  if (plan_->trace.empty()) {
    item.input_tokens = plan_->shared_prefix + plan_->input.draw(warmups_);
    item.output_tokens = plan_->output.draw(warmups_);
  } else {
    const TraceRequest& row = plan_->trace[static_cast<size_t>(index) % plan_->trace.size()];
    item.input_tokens = row.input_length;
    item.output_tokens = row.output_length;
  }
  item.prompt = {{stream_of(Kind::kWarmupPrompt, static_cast<uint64_t>(index)), item.input_tokens}};
  return item;
}

}  // namespace caravan::load
