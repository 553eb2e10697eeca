#include "graph/plan.h"

#include <algorithm>
#include <utility>

#include "tensor/buffer.h"

namespace caravan {

namespace {

/// A value in the arena.
struct Tenant {
  ValueId value = -1;
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
    for (const ValueId output : node.outputs) last[static_cast<size_t>(output)] = n;
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

/// The inputs whose place the node's first output may take: each of their elements is read before the
/// output's is written there, and never again.
std::vector<ValueId> replaceable_inputs(const Node& node) {
  if (node.op == OpKind::kAddRmsNorm) return {node.inputs[1], node.inputs[0]};
  if (node.op == OpKind::kCombineExperts) return {node.inputs[0]};
  // A matmul whose input is its residual too reads all of a row for each element.
  const bool adds = node.attributes.epilogue == Epilogue::kResidual && node.inputs[2] != node.inputs[0];
  return adds ? std::vector<ValueId>{node.inputs[2]} : std::vector<ValueId>{};
}

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<uint64_t>& value_bytes)
      : graph_(graph),
        value_bytes_(value_bytes),
        last_(last_reads(graph)),
        plan_{std::vector<int64_t>(graph.values.size(), -1), 0, 0} {}

  MemoryPlan run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      std::erase_if(tenants_, [n](const Tenant& tenant) { return tenant.last < n; });
      for (const ValueId output : graph_.nodes[n].outputs) place(n, output);
    }
    return std::move(plan_);
  }

 private:
  /// Finds a place for `output` of the node `n`.
  void place(size_t n, ValueId output) {
    const auto id = static_cast<size_t>(output);
    const uint64_t bytes = (value_bytes_[id] + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    plan_.unshared_bytes += bytes;
    const bool is_first = output == graph_.nodes[n].outputs.front();
    if (is_first && take_over(n, output)) return;
    const Tenant tenant = {output, first_fit(tenants_, bytes), bytes, last_[id]};
    const auto after = std::find_if(tenants_.begin(), tenants_.end(),
                                    [&](const Tenant& other) { return other.offset > tenant.offset; });
    tenants_.insert(after, tenant);
    plan_.offsets[id] = static_cast<int64_t>(tenant.offset);
    plan_.bytes = std::max(plan_.bytes, tenant.offset + bytes);
  }

  /// Gives `output` the place of an input of the node `n`, if there is one that nothing reads later.
  bool take_over(size_t n, ValueId output) {
    for (const ValueId input : replaceable_inputs(graph_.nodes[n])) {
      const auto tenant = std::find_if(tenants_.begin(), tenants_.end(),
                                       [input](const Tenant& other) { return other.value == input; });
      if (tenant == tenants_.end() || tenant->last != n) continue;
      tenant->value = output;
      tenant->last = last_[static_cast<size_t>(output)];
      plan_.offsets[static_cast<size_t>(output)] = static_cast<int64_t>(tenant->offset);
      return true;
    }
    return false;
  }

  const Graph& graph_;
  const std::vector<uint64_t>& value_bytes_;  ///< by value
  std::vector<size_t> last_;                  ///< as last_reads()
  MemoryPlan plan_;
  std::vector<Tenant> tenants_;  ///< of the arena at the node at hand, by offset
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const std::vector<uint64_t>& value_bytes) {
  return Planner(graph, value_bytes).run();
}

}  // namespace caravan
