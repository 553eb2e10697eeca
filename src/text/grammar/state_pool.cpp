#include "text/grammar/state_pool.h"

#include <algorithm>

#include "base/error.h"

namespace caravan::grammar {

StatePool::StatePool(const Program& program) : program_(&program), classes_(program.classes) {
  nodes_.emplace_back();
  seen_.push_back(0);
  intern({}, false);  // the dead state
  for (uint32_t i = program.first[program.root]; i < program.first[program.root + 1]; ++i) {
    pending_.push_back(node(program.alternatives[i], 0));
  }
  start_ = close_pending();
}

uint32_t StatePool::node(uint32_t cell, uint32_t below) {
  if (cell == 0) return below;
  const auto [found, is_new] =
      node_of_.emplace(uint64_t{cell} << 32U | below, static_cast<uint32_t>(nodes_.size()));
  if (is_new) {
    nodes_.push_back({cell, below, nodes_[below].depth + 1});
    seen_.push_back(0);
  }
  return found->second;
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
    const Node at = nodes_[id];
    const Cell cell = program_->cells[at.cell];
    if (!cell.symbol.is_rule) {
      tops.push_back(id);
      continue;
    }
    const uint32_t below = node(cell.rest, at.below);
    if (nodes_[below].depth >= kMaxDepth) continue;
    for (uint32_t i = program_->first[cell.symbol.index]; i < program_->first[cell.symbol.index + 1]; ++i) {
      pending_.push_back(node(program_->alternatives[i], below));
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
    states_.push_back({&found->first.first, may_end});
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

uint32_t StatePool::adopt(const StatePool& other, uint32_t state) {
  std::unordered_map<uint32_t, uint32_t> known{{0, 0}};
  std::vector<uint32_t> path;
  std::vector<uint32_t> tops;
  for (const uint32_t top : *other.states_[state].tops) {
    uint32_t at = top;
    for (; !known.contains(at); at = other.nodes_[at].below) path.push_back(at);
    uint32_t below = known.at(at);
    for (; !path.empty(); path.pop_back()) {
      below = node(other.nodes_[path.back()].cell, below);
      known.emplace(path.back(), below);
    }
    tops.push_back(below);
  }
  std::sort(tops.begin(), tops.end());
  return intern(std::move(tops), other.states_[state].may_end);
}

bool StatePool::is_full() const {
  // Together some 32 MB: steps of 4 bytes, nodes of about 60 with their table, tops of 4.
  return next_.size() > 2'000'000 || nodes_.size() > 200'000 || states_.size() > 50'000 || tops_ > 1'000'000;
}

}  // namespace caravan::grammar
