// Who waits for the engine, and who is next: by priority, then the client that has been served least, then
// first come.
//
// Service is counted in tokens, an output token as two of a prompt; a client that was away comes back level
// with the least served of those that wait (the virtual token counter of Sheng et al., 2024, "Fairness in
// Serving Large Language Models", arXiv:2401.00588). Thread safety: one thread, the engine's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "scheduler/sequence.h"

namespace caravan {

class FairQueue {
 public:
  /// The sequence must outlive its stay in the queue.
  void push(ScheduledSequence* sequence);
  /// Before everybody else: what had run already. The oldest of these goes first.
  void push_preempted(ScheduledSequence* sequence);

  /// The next one to run, or nullptr.
  [[nodiscard]] ScheduledSequence* next() const;
  /// Takes `sequence` out, wherever it waits; does nothing if it does not.
  void remove(const ScheduledSequence* sequence);
  /// `client` got so much service.
  void charge(const std::string& client, int64_t tokens);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  /// One client's sequences, by priority, then as they came.
  struct Line {
    std::map<int64_t, std::deque<ScheduledSequence*>> waiting;
  };

  [[nodiscard]] int64_t served(const std::string& client) const;

  std::map<int64_t, ScheduledSequence*> preempted_;  ///< by id
  std::map<std::string, Line> lines_;                ///< of clients that wait, by name
  std::map<std::string, int64_t> served_;            ///< tokens, by client
  size_t size_ = 0;
};

}  // namespace caravan
