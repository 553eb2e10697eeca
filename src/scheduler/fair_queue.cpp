#include "scheduler/fair_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace caravan {

int64_t FairQueue::served(const std::string& client) const {
  const auto found = served_.find(client);
  return found == served_.end() ? 0 : found->second;
}

void FairQueue::push(ScheduledSequence* sequence) {
  const std::string& client = sequence->client;
  if (!lines_.contains(client)) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const auto& [other, line] : lines_) least = std::min(least, served(other));
    // Nobody else waits: there is nothing to be level with.
    if (lines_.empty()) least = 0;
    int64_t& own = served_[client];
    own = std::max(own, least);
  }
  lines_[client].waiting[sequence->priority].push_back(sequence);
  ++size_;
}

void FairQueue::push_preempted(ScheduledSequence* sequence) {
  preempted_[sequence->id] = sequence;
  ++size_;
}

ScheduledSequence* FairQueue::next() const {
  if (!preempted_.empty()) return preempted_.begin()->second;
  ScheduledSequence* best = nullptr;
  const auto rank = [this](const ScheduledSequence& sequence) {
    return std::tuple(sequence.priority, served(sequence.client), sequence.id);
  };
  for (const auto& [client, line] : lines_) {
    ScheduledSequence* first = line.waiting.begin()->second.front();
    if (best == nullptr || rank(*first) < rank(*best)) best = first;
  }
  return best;
}

void FairQueue::remove(const ScheduledSequence* sequence) {
  if (const auto found = preempted_.find(sequence->id); found != preempted_.end()) {
    preempted_.erase(found);
    --size_;
    return;
  }
  const auto line = lines_.find(sequence->client);
  if (line == lines_.end()) return;
  const auto queue = line->second.waiting.find(sequence->priority);
  if (queue == line->second.waiting.end()) return;
  const auto removed = std::erase(queue->second, sequence);
  size_ -= removed;
  if (queue->second.empty()) line->second.waiting.erase(queue);
  if (line->second.waiting.empty()) lines_.erase(line);
}

void FairQueue::charge(const std::string& client, int64_t tokens) {
  const auto found = served_.find(client);
  if (found != served_.end()) found->second += tokens;
  // Who has nothing here and waits for nothing is level with everybody when next seen; the table must not
  // grow with every client that ever came.
  constexpr size_t kManyClients = 4096;
  if (served_.size() <= kManyClients) return;
  std::erase_if(served_, [this](const auto& entry) { return !lines_.contains(entry.first); });
}

}  // namespace caravan
