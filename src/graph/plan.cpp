#include "graph/plan.h"

#include <algorithm>

#include "tensor/buffer.h"

namespace caravan {

namespace {

/// A value in the arena.
struct Tenant {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  size_t last = 0;  ///< the last node that reads it
};

/// For each value, the last node that reads it: its own maker if none does, one past the last node for the
/// output.
std::vector<size_t> last_reads(const Graph& graph) {
  std::vector<size_t> last(graph.values.size(), 0);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.output >= 0) last[static_cast<size_t>(node.output)] = n;
    for (const ValueId input : node.inputs) last[static_cast<size_t>(input)] = n;
  }
  last.at(static_cast<size_t>(graph.output)) = graph.nodes.size();
  return last;
}

/// The lowest offset with `bytes` free bytes. `tenants` are sorted by offset.
uint64_t first_fit(const std::vector<Tenant>& tenants, uint64_t bytes) {
  uint64_t offset = 0;
  for (const Tenant& tenant : tenants) {
    if (offset + bytes <= tenant.offset) break;
    offset = std::max(offset, tenant.offset + tenant.bytes);
  }
  return offset;
}

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const std::vector<uint64_t>& value_bytes) {
  const std::vector<size_t> last = last_reads(graph);
  MemoryPlan plan = {std::vector<int64_t>(graph.values.size(), -1), 0, 0};
  std::vector<Tenant> tenants;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    std::erase_if(tenants, [n](const Tenant& tenant) { return tenant.last < n; });
    if (node.output < 0) continue;
    const auto id = static_cast<size_t>(node.output);
    const uint64_t bytes = (value_bytes[id] + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    plan.unshared_bytes += bytes;
    if (node.attributes.epilogue == Epilogue::kResidual) {
      const auto residual = static_cast<size_t>(node.inputs[2]);
      const auto place = std::find_if(tenants.begin(), tenants.end(), [&](const Tenant& tenant) {
        return static_cast<int64_t>(tenant.offset) == plan.offsets[residual];
      });
      if (last[residual] == n && place != tenants.end()) {
        plan.offsets[id] = plan.offsets[residual];
        place->last = last[id];
        continue;
      }
    }
    const Tenant tenant = {first_fit(tenants, bytes), bytes, last[id]};
    const auto after = std::find_if(tenants.begin(), tenants.end(),
                                    [&](const Tenant& other) { return other.offset > tenant.offset; });
    tenants.insert(after, tenant);
    plan.offsets[id] = static_cast<int64_t>(tenant.offset);
    plan.bytes = std::max(plan.bytes, tenant.offset + bytes);
  }
  return plan;
}

}  // namespace caravan
