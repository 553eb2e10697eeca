#include <algorithm>
#include <map>
#include <set>

#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

namespace {

/// How many of the op's inputs, from the first on, are tensors whose row t its output's row t is made of, and
/// no other row; 0 for ops that look at other rows, at places or at ids.
/// What experts compute is grouped by expert instead: the same rows, so long as all ops from route_experts to
/// combine_experts see the same tokens.
size_t row_inputs(const Graph& graph, const Node& node) {
  switch (node.op) {
    case OpKind::kLinear:
    case OpKind::kPackedLinear:  // as it is recorded, without an epilogue
    case OpKind::kRmsNorm:
    case OpKind::kQuantizeRows:
    case OpKind::kGroupRows:
    case OpKind::kGroupedLinear:
      return 1;
    case OpKind::kTakeRows:
      return takes_logit_rows(graph, node) ? 0 : 1;
    case OpKind::kSiluMul:
    case OpKind::kAdd:
    case OpKind::kRouteExperts:
      return 2;
    case OpKind::kCombineExperts:
      return node.inputs.size();
    default:
      return 0;
  }
}

/// The nodes whose results only `take` reads, by way of each other. By index into Graph::nodes.
std::vector<bool> nodes_before(const Graph& graph, const Uses& uses, size_t take) {
  std::vector<bool> taken(graph.nodes.size(), false);
  for (size_t n = take; n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (row_inputs(graph, node) == 0 || node.outputs.front() == graph.output) continue;
    taken[n] = std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      const std::vector<size_t>& readers = uses.readers(output);
      return !readers.empty() && std::all_of(readers.begin(), readers.end(),
                                             [&](size_t reader) { return reader == take || taken[reader]; });
    });
  }
  return taken;
}

/// The values that `taken` nodes read by rows and do not make, in the order of their makers.
std::set<ValueId> sources_of(const Graph& graph, const Uses& uses, const std::vector<bool>& taken) {
  std::set<ValueId> sources;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t i = 0; taken[n] && i < row_inputs(graph, graph.nodes[n]); ++i) {
      const std::optional<size_t> maker = uses.producer(graph.nodes[n].inputs[i]);
      if (!maker || !taken[*maker]) sources.insert(graph.nodes[n].inputs[i]);
    }
  }
  return sources;
}

/// A new node that takes the rows `rows` of `value`.
Node take_rows_of(Graph& graph, ValueId value, ValueId rows) {
  Value taken = graph.values[static_cast<size_t>(value)];
  taken.name = std::string(name_of(OpKind::kTakeRows));
  taken.shape.front() = {Symbol::kLogitRows, 0};
  taken.kind = ValueKind::kIntermediate;
  return {OpKind::kTakeRows, {value, rows}, {add_value(graph, taken)}};
}

/// Moves one take_rows up; returns how many ops it now stands before.
int64_t move_up(Graph& graph, size_t take) {
  const Node old = graph.nodes[take];
  const Uses uses(graph);
  const std::vector<bool> taken = nodes_before(graph, uses, take);
  const std::optional<size_t> producer = uses.producer(old.inputs[0]);
  if (!producer || !taken[*producer]) return 0;

  std::set<ValueId> sources = sources_of(graph, uses, taken);
  std::map<ValueId, ValueId> rows_of;  // by value with all rows: the one with the wanted rows
  std::vector<Node> nodes;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (n == take) continue;
    Node node = graph.nodes[n];
    if (taken[n]) {
      // All that exist by now, so that none stands between a matmul and the addition of its residual.
      std::erase_if(sources, [&](ValueId source) {
        if (uses.producer(source).value_or(0) > n) return false;
        nodes.push_back(take_rows_of(graph, source, old.inputs[1]));
        rows_of[source] = nodes.back().outputs.front();
        return true;
      });
      for (size_t i = row_inputs(graph, node); i-- > 0;) {
        if (rows_of.contains(node.inputs[i])) node.inputs[i] = rows_of[node.inputs[i]];
      }
      for (const ValueId output : node.outputs) {
        Dim& rows = graph.values[static_cast<size_t>(output)].shape.front();
        if (rows.symbol == Symbol::kTokens) rows.symbol = Symbol::kLogitRows;
      }
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  replace_reads(graph, old.outputs.front(), old.inputs[0]);
  return std::count(taken.begin(), taken.end(), true);
}

}  // namespace

int64_t take_rows_early(Graph& graph) {
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (takes_logit_rows(graph, graph.nodes[n])) return move_up(graph, n);
  }
  return 0;
}

}  // namespace caravan
