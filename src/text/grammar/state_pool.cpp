#include "text/grammar/state_pool.h"

#include <algorithm>

#include "base/error.h"

namespace caravan::grammar {

StatePool::StatePool(const Program& program, uint32_t longest)
    : program_(&program), classes_(program.classes), longest_(longest) {
  nodes_.emplace_back();
  nodes_.back().alike = 0;
  seen_.push_back(0);
  intern({}, false);  // the dead state
  pending_.push_back(node(program.start, 0));
  start_ = close_pending();
}

uint32_t StatePool::node(uint32_t cell, uint32_t below) {
  if (cell == 0) return below;
  const auto [found, is_new] =
      node_of_.emplace(uint64_t{cell} << 32U | below, static_cast<uint32_t>(nodes_.size()));
  if (is_new) {
    nodes_.push_back(
        {.cell = cell, .below = below, .depth = nodes_[below].depth + 1, .undone = found->second});
    seen_.push_back(0);
  }
  return found->second;
}

uint32_t StatePool::counted(uint32_t id, uint32_t done) {
  const uint32_t undone = nodes_[id].undone;
  if (done == 0) return undone;
  const auto [found, is_new] =
      counted_of_.emplace(uint64_t{undone} << 32U | done, static_cast<uint32_t>(nodes_.size()));
  if (is_new) {
    Node made = nodes_[undone];
    made.done = done;
    made.alike = kUnknown;
    nodes_.push_back(made);
    seen_.push_back(0);
  }
  return found->second;
}

void StatePool::open(uint32_t id) {
  const Node at = nodes_[id];
  const Cell cell = program_->cells[at.cell];
  const Repetition times = program_->times[cell.symbol.index];
  if (at.done >= times.min) pending_.push_back(node(cell.rest, at.below));
  // Beyond the fewest, what has no end is not counted.
  const uint32_t done = times.max == Repetition::kNoEnd ? std::min(at.done + 1, times.min) : at.done + 1;
  const uint32_t below = done == times.max ? node(cell.rest, at.below) : counted(id, done);
  if (nodes_[below].depth >= kMaxDepth) return;
  for (uint32_t i = program_->first[cell.symbol.index]; i < program_->first[cell.symbol.index + 1]; ++i) {
    pending_.push_back(node(program_->alternatives[i], below));
  }
}

uint32_t StatePool::close_pending() {
  ++round_;
  std::vector<uint32_t> tops;
  bool may_end = false;
  while (!pending_.empty()) {
    const uint32_t id = pending_.back();
    pending_.pop_back();
    if (seen_[id] == round_) continue;
    seen_[id] = round_;
    if (++work_ > kMaxWork) {
      fail(program_->source, " is too ambiguous: one step needs more than ", kMaxWork,
           " stacks, expected one that can be read in fewer ways");
    }
    if (id == 0) {
      may_end = true;
      continue;
    }
    if (program_->cells[nodes_[id].cell].symbol.is_rule) {
      open(id);
    } else {
      tops.push_back(id);
    }
  }
  if (tops.size() > kMaxStacks) {
    fail(program_->source, " is too ambiguous: a text can be read in more than ", kMaxStacks,
         " ways at once, expected fewer alternatives that begin alike");
  }
  std::sort(tops.begin(), tops.end());
  return intern(std::move(tops), may_end);
}

uint32_t StatePool::intern(std::vector<uint32_t> tops, bool may_end) {
  const size_t count = tops.size();
  const auto [found, is_new] =
      state_of_.emplace(std::pair(std::move(tops), may_end), static_cast<uint32_t>(states_.size()));
  if (is_new) {
    states_.push_back({.tops = &found->first.first, .may_end = may_end});
    next_.resize(next_.size() + classes_, states_.size() == 1 ? kDead : kUnknown);
    tops_ += count;
    work_ += count + classes_ / 4;
  }
  return found->second;
}

uint32_t StatePool::make_step(uint32_t state, uint32_t byte_class) {
  pending_.clear();
  for (const uint32_t top : *states_[state].tops) {
    const Node at = nodes_[top];
    const Cell cell = program_->cells[at.cell];
    if (program_->class_sets[cell.symbol.index].test(byte_class))
      pending_.push_back(node(cell.rest, at.below));
  }
  work_ += states_[state].tops->size();
  const uint32_t next = close_pending();
  next_[state * classes_ + byte_class] = next;
  return next;
}

// A count is out of reach if `longest_` more repetitions, each of a byte at least, do not get there.
uint32_t StatePool::alike_count(const Node& at) const {
  const Symbol symbol = program_->cells[at.cell].symbol;
  if (at.done == 0 || !program_->advances[symbol.index]) return at.done;
  const Repetition times = program_->times[symbol.index];
  const uint64_t reach = uint64_t{at.done} + longest_;
  if (reach <= times.min) return 0;
  return at.done > times.min && reach <= times.max ? times.min : at.done;
}

uint32_t StatePool::alike_node(uint32_t id) {
  std::vector<uint32_t> path;
  uint32_t at = id;
  for (; nodes_[at].alike == kUnknown; at = nodes_[at].below) path.push_back(at);
  uint32_t below = nodes_[at].alike;
  for (; !path.empty(); path.pop_back()) {
    const Node above = nodes_[path.back()];
    below = counted(node(above.cell, below), alike_count(above));
    nodes_[path.back()].alike = below;
  }
  return below;
}

uint32_t StatePool::alike(uint32_t state) {
  if (states_[state].alike != kUnknown) return states_[state].alike;
  std::vector<uint32_t> tops;
  for (const uint32_t top : *states_[state].tops) tops.push_back(alike_node(top));
  std::sort(tops.begin(), tops.end());
  tops.erase(std::unique(tops.begin(), tops.end()), tops.end());
  const uint32_t found = intern(std::move(tops), states_[state].may_end);
  states_[state].alike = found;
  return found;
}

uint32_t StatePool::adopt(const StatePool& other, uint32_t state) {
  std::unordered_map<uint32_t, uint32_t> known{{0, 0}};
  std::vector<uint32_t> path;
  std::vector<uint32_t> tops;
  for (const uint32_t top : *other.states_[state].tops) {
    uint32_t at = top;
    for (; !known.contains(at); at = other.nodes_[at].below) path.push_back(at);
    uint32_t below = known.at(at);
    for (; !path.empty(); path.pop_back()) {
      const Node& above = other.nodes_[path.back()];
      below = counted(node(above.cell, below), above.done);
      known.emplace(path.back(), below);
    }
    tops.push_back(below);
  }
  std::sort(tops.begin(), tops.end());
  return intern(std::move(tops), other.states_[state].may_end);
}

bool StatePool::is_full() const {
  // Together some 40 MB: steps of 4 bytes, nodes of about 75 with their table, tops of 4.
  return next_.size() > 2'000'000 || nodes_.size() > 200'000 || states_.size() > 50'000 || tops_ > 1'000'000;
}

}  // namespace caravan::grammar
