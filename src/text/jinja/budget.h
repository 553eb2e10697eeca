// What one rendering may use, so that no template can run for ever or fill the memory.
//
// Invariants: every loop iteration, node and list element is paid for in steps, every text made in bytes,
// both before the work is done. Thread safety: one Budget belongs to one rendering on one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/jinja/problem.h"

namespace caravan::jinja {

/// Nodes above one another in a syntax tree, and containers inside one another in a value. Python's own limit
/// on nested parentheses, which compiled templates meet, is 200; data nests at most kMaxJsonDepth (100) deep.
constexpr int kMaxNesting = 200;

struct Limits {
  /// Nodes evaluated plus elements made; a long conversation through a long template takes some 100,000.
  size_t steps = 10'000'000;
  /// Bytes of all texts made while rendering, intermediate ones too; twice what a 1 MB conversation needs
  /// when a template appends 256 messages to one variable.
  size_t bytes = size_t{512} << 20U;
  /// Bytes of the rendered text.
  size_t output = size_t{64} << 20U;
  /// Evaluations inside one another: 200 nodes of one tree, plus macros that call macros.
  int depth = 500;
};

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  /// Pays for `count` nodes or elements; Problem where the budget is used up.
  void steps(size_t count = 1) {
    if (count > limits_.steps - steps_) problem("the template takes more than ", limits_.steps, " steps");
    steps_ += count;
  }
  /// Pays for a text of `count` bytes, which is about to be made.
  void bytes(size_t count) {
    if (count > limits_.bytes - bytes_)
      problem("the template makes more than ", limits_.bytes, " bytes of text");
    bytes_ += count;
  }
  /// Pays for `times` texts of `count` bytes, without overflow.
  void bytes(size_t count, size_t times) {
    if (times != 0 && count > limits_.bytes / times) bytes(limits_.bytes + 1);
    bytes(count * times);
  }

  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  friend class Descent;
  Limits limits_;
  size_t steps_ = 0;
  size_t bytes_ = 0;
  int depth_ = 0;
};

/// One level of recursion for as long as it lives.
class Descent {
 public:
  explicit Descent(Budget& budget) : budget_(&budget) {
    if (budget.depth_ >= budget.limits_.depth)
      problem("the template nests or calls itself more than ", budget.limits_.depth, " levels deep");
    ++budget.depth_;
  }
  ~Descent() { --budget_->depth_; }
  Descent(const Descent&) = delete;
  Descent& operator=(const Descent&) = delete;

 private:
  Budget* budget_;
};

}  // namespace caravan::jinja
