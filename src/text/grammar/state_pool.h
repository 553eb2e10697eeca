// What a guide's matching has met so far: stacks, states and steps between states, each made once.
//
// A state is the set of all stacks that the bytes so far leave; a stack says what must still come. Stacks
// share their lower parts, and what ends a rule leaves nothing on the stack, so that repetition needs no
// depth. What is repeated a number of times is counted on the stack. Equal states have equal numbers, so that
// a step, once known, is one look into a table; states that differ only in counts which no token is long
// enough to reach have one among them that stands for all, so that a mask, once made, serves them all.
// Invariants: state 0 is the dead one, from which nothing leads away; numbers stay valid as long as the pool.
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "text/grammar/program.h"

namespace caravan::grammar {

class StatePool {
 public:
  static constexpr uint32_t kDead = 0;
  /// Text that is nested so deep that a stack would grow above this is not accepted.
  static constexpr uint32_t kMaxDepth = 4096;
  /// More ways to read a text at once: Error.
  static constexpr size_t kMaxStacks = 2048;
  /// Stacks looked at, and table entries made, within one call of the matcher (about 0.1 s): beyond, Error.
  static constexpr size_t kMaxWork = 1'000'000;

  /// `program` must outlive it. `longest`: bytes of the longest token, for alike().
  StatePool(const Program& program, uint32_t longest);

  [[nodiscard]] uint32_t start() const { return start_; }
  [[nodiscard]] bool may_end(uint32_t state) const { return states_[state].may_end; }
  /// The state after one more byte of the class. Throws Error beyond kMaxStacks and kMaxWork.
  uint32_t step(uint32_t state, uint32_t byte_class) {
    const uint32_t known = next_[state * classes_ + byte_class];
    return known != kUnknown ? known : make_step(state, byte_class);
  }
  /// A state after which the same texts of up to `longest` bytes may come as after `state`, and the same one
  /// for many of those.
  uint32_t alike(uint32_t state);
  /// The same state of another pool over the same program.
  uint32_t adopt(const StatePool& other, uint32_t state);

  /// Call at the start of each unit of work that kMaxWork bounds.
  void restart_work() { work_ = 0; }
  /// Whether the pool has grown so much that a new one should take its place.
  [[nodiscard]] bool is_full() const;

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  /// The cell that comes next, and the node below. Node 0 is the bottom.
  struct Node {
    uint32_t cell = 0;
    uint32_t below = 0;
    uint32_t depth = 0;
    uint32_t done = 0;          ///< how often the rule that the cell begins with has been matched
    uint32_t undone = 0;        ///< the node that differs in done = 0 only
    uint32_t alike = kUnknown;  ///< what alike() has in its place
  };
  struct State {
    const std::vector<uint32_t>* tops = nullptr;  ///< nodes, sorted, whose cells begin with a byte
    bool may_end = false;
    uint32_t alike = kUnknown;
  };

  uint32_t make_step(uint32_t state, uint32_t byte_class);
  /// The node, made once. Of the empty cell: the node below, to which it returns.
  uint32_t node(uint32_t cell, uint32_t below);
  /// The node with another count.
  uint32_t counted(uint32_t id, uint32_t done);
  /// Adds what comes once a node is reached that begins with a rule.
  void open(uint32_t id);
  uint32_t alike_node(uint32_t id);
  [[nodiscard]] uint32_t alike_count(const Node& at) const;
  /// The state of the nodes in pending_, once all rules that they begin with are opened.
  uint32_t close_pending();
  uint32_t intern(std::vector<uint32_t> tops, bool may_end);

  const Program* program_;
  uint32_t classes_;
  uint32_t longest_;
  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, uint32_t> node_of_;     ///< by cell and node below
  std::unordered_map<uint64_t, uint32_t> counted_of_;  ///< by the node that has done nothing and the count
  std::vector<uint32_t> seen_;                         ///< by node: the last round_ in which it was met
  uint32_t round_ = 0;
  std::vector<uint32_t> pending_;
  std::vector<State> states_;
  std::map<std::pair<std::vector<uint32_t>, bool>, uint32_t> state_of_;
  std::vector<uint32_t> next_;  ///< by state and class
  uint32_t start_ = kDead;
  size_t work_ = 0;
  size_t tops_ = 0;  ///< of all states together
};

}  // namespace caravan::grammar
