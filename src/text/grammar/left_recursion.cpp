#include "text/grammar/left_recursion.h"

#include <algorithm>

namespace caravan::grammar {

namespace {

/// From a rule to one that it can begin with.
struct Edge {
  uint32_t to;
  bool grows;  ///< something stands after it
};
using Edges = std::vector<std::vector<Edge>>;

Edges left_corners(const Grammar& grammar, const std::vector<bool>& nullable) {
  Edges edges(grammar.rules.size());
  for (size_t r = 0; r < grammar.rules.size(); ++r) {
    for (const Sequence& sequence : grammar.rules[r].alternatives) {
      for (size_t i = 0; i < sequence.size() && sequence[i].is_rule; ++i) {
        const bool repeats = grammar.rules[r].times.max > 1;
        edges[r].push_back({sequence[i].index, repeats || i + 1 < sequence.size()});
        if (!nullable[sequence[i].index]) break;
      }
    }
  }
  return edges;
}

/// Tarjan's strongly connected components, without recursion.
class Components {
 public:
  explicit Components(const Edges& edges) : edges_(&edges), of_(edges.size(), 0), low_(edges.size(), 0) {
    for (uint32_t start = 0; start < edges.size(); ++start) {
      if (low_[start] == 0) visit(start);
    }
  }
  [[nodiscard]] uint32_t of(size_t rule) const { return of_[rule]; }

 private:
  struct Frame {
    uint32_t rule;
    uint32_t number;
    size_t edge;
  };

  void enter(uint32_t rule) {
    low_[rule] = ++numbered_;
    open_.push_back(rule);
    frames_.push_back({rule, low_[rule], 0});
  }

  void visit(uint32_t start) {
    enter(start);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const uint32_t rule = frame.rule;
      if (frame.edge < (*edges_)[rule].size()) {
        const uint32_t to = (*edges_)[rule][frame.edge].to;
        if (low_[to] == 0) {
          enter(to);
          continue;  // the edge is looked at again once `to` is done
        }
        ++frame.edge;
        if (of_[to] == 0) low_[rule] = std::min(low_[rule], low_[to]);
        continue;
      }
      if (low_[rule] == frame.number) close(rule);
      frames_.pop_back();
    }
  }

  void close(uint32_t root) {
    ++components_;
    for (uint32_t rule = root + 1; rule != root;) {
      rule = open_.back();
      open_.pop_back();
      of_[rule] = components_;
    }
  }

  const Edges* edges_;
  std::vector<uint32_t> of_;   ///< 0: not known yet
  std::vector<uint32_t> low_;  ///< 0: not seen yet
  std::vector<uint32_t> open_;
  std::vector<Frame> frames_;
  uint32_t numbered_ = 0;
  uint32_t components_ = 0;
};

}  // namespace

std::optional<uint32_t> left_recursive_rule(const Grammar& grammar, const std::vector<bool>& nullable) {
  const Edges edges = left_corners(grammar, nullable);
  const Components components(edges);
  std::optional<uint32_t> found;
  for (uint32_t r = 0; r < edges.size(); ++r) {
    for (const Edge& edge : edges[r]) {
      if (!edge.grows || components.of(r) != components.of(edge.to)) continue;
      // A rule that the user named says more than one that a front end made.
      if (!grammar.rules[r].name.empty()) return r;
      found = r;
    }
  }
  return found;
}

}  // namespace caravan::grammar
