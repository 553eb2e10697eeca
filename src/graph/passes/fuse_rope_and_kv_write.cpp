#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

namespace {

/// The attention that reads the caches of the KV write at `write`, if it is the first to.
std::optional<size_t> attention_after(const Graph& graph, const Uses& uses, size_t write) {
  const ValueId k_cache = graph.nodes[write].inputs[5];
  for (const size_t reader : uses.readers(k_cache)) {
    if (reader > write)
      return graph.nodes[reader].op == OpKind::kAttention ? std::optional(reader) : std::nullopt;
  }
  return std::nullopt;
}

/// Makes the KV write at `n` one op with the ropes before it, which `dead` then marks.
bool fuse(Graph& graph, const Uses& uses, size_t n, std::vector<bool>& dead) {
  const Node write = graph.nodes[n];
  const std::optional<size_t> attention = attention_after(graph, uses, n);
  const std::optional<size_t> k_rope = uses.producer(write.inputs[0], OpKind::kRope);
  if (!attention || !k_rope || !uses.only_reader(write.inputs[0], n)) return false;
  const ValueId q = graph.nodes[*attention].inputs[0];
  const std::optional<size_t> q_rope = uses.producer(q, OpKind::kRope);
  if (!q_rope || *q_rope > n || !uses.only_reader(q, *attention)) return false;
  const ValueId angles = graph.nodes[*q_rope].inputs[1];
  if (graph.nodes[*k_rope].inputs[1] != angles) return false;

  Node fused = {OpKind::kRopeKvWrite,
                {graph.nodes[*q_rope].inputs[0], graph.nodes[*k_rope].inputs[0], write.inputs[1], angles},
                {q}};
  fused.inputs.insert(fused.inputs.end(), write.inputs.begin() + 2, write.inputs.end());
  graph.nodes[n] = std::move(fused);
  dead[*q_rope] = true;
  dead[*k_rope] = true;
  return true;
}

}  // namespace

int64_t fuse_rope_and_kv_write(Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == OpKind::kKvWrite && fuse(graph, uses, n, dead)) ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
