#include "scheduler/scheduler.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"

namespace caravan {

namespace {

/// A token of output is served as dear as two of a prompt (arXiv:2401.00588, section 5).
constexpr int64_t kOutputPrice = 2;

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options, BlockPool& pool)
    : options_(options), pool_(pool), pacer_(options.prefill_stretch) {}

void Scheduler::add(ScheduledSequence* sequence) {
  CARAVAN_CHECK(sequence->places >= 1 && sequence->places <= options_.max_sequences);
  queue_.push(sequence);
}

void Scheduler::remove(ScheduledSequence* sequence) {
  queue_.remove(sequence);
  std::erase(running_, sequence);
  std::erase(admitted_, sequence);
  sequence->blocks.clear(pool_);
}

std::optional<BlockCopy> Scheduler::fork(const ScheduledSequence& parent, ScheduledSequence* child) {
  std::optional<ForkedTable> forked =
      caravan::fork(parent.blocks, parent.computed, options_.block_size, pool_);
  if (!forked.has_value()) {
    child->computed = 0;
    ++stats_.preemptions;
    queue_.push_preempted(child);
    return std::nullopt;
  }
  child->blocks = std::move(forked->table);
  let_run(child);
  return forked->copy;
}

void Scheduler::let_run(ScheduledSequence* sequence) {
  const auto place = std::upper_bound(running_.begin(), running_.end(), sequence,
                                      [](const auto* a, const auto* b) { return a->id < b->id; });
  running_.insert(place, sequence);
}

int64_t Scheduler::places_taken() const {
  int64_t taken = 0;
  for (const ScheduledSequence* sequence : running_) taken += sequence->places;
  return taken;
}

bool Scheduler::start(ScheduledSequence& sequence, bool urgent) {
  if (places_taken() + sequence.places > options_.max_sequences) return false;
  // What is found is held, and counts no longer as free.
  const bool adopts = options_.prefix_cache && sequence.may_adopt;
  const int64_t found = adopts ? sequence.blocks.adopt(sequence.tokens, options_.block_size, pool_) : 0;
  // The whole of it must fit now, and all that run and can grow may need one block more soon: who is let in
  // too early throws others out.
  const int64_t size = options_.block_size;
  const int64_t needed =
      1 + (sequence.length() - 1) / size - static_cast<int64_t>(sequence.blocks.blocks.size());
  const auto grows = [size](const ScheduledSequence* other) {
    return static_cast<int64_t>(other->blocks.blocks.size()) <= (other->max_length - 1) / size;
  };
  const int64_t spare = urgent ? 0 : std::count_if(running_.begin(), running_.end(), grows);
  if (needed + spare > pool_.free()) {
    sequence.blocks.clear(pool_);
    return false;
  }
  sequence.computed = found;
  if (!sequence.started) {
    sequence.cached = found;
    if (adopts) {
      stats_.prefix_queries += sequence.prompt_length;
      stats_.prefix_hits += found;
    }
  }
  sequence.started = true;
  sequence.let_in = steps_;
  return true;
}

void Scheduler::admit(bool urgent) {
  while (ScheduledSequence* next = queue_.next()) {
    const bool first = !next->started;
    if (!start(*next, urgent)) return;
    queue_.remove(next);
    let_run(next);
    if (first) admitted_.push_back(next);
  }
}

// Pacing keeps tokens coming where they already come. What arrives together does so for nothing: whoever's
// prompt is computed first would decode in steps that are nearly empty, while the others' prompts trickle.
int64_t Scheduler::first_paced() const {
  int64_t first = INT64_MAX;
  for (const ScheduledSequence* sequence : running_) {
    // Who came while the step of the first token ran was let in before the next one.
    if (sequence->first_output != INT64_MAX) first = std::min(first, sequence->first_output + 2);
  }
  return first;
}

std::vector<StepPart> Scheduler::plan() const {
  int64_t decoding = 0;
  for (const ScheduledSequence* sequence : running_) decoding += sequence->missing() == 1 ? 1 : 0;
  int64_t room = options_.max_batch_tokens - decoding;
  int64_t paced_room = pacer_.limit(decoding);
  const int64_t paced = first_paced();
  std::vector<StepPart> parts;
  for (ScheduledSequence* sequence : running_) {
    const int64_t missing = sequence->missing();
    if (missing == 1) {
      parts.push_back({sequence, 1});
      continue;
    }
    int64_t count = std::min({missing, room, sequence->max_rows});
    if (sequence->let_in >= paced) count = std::min(count, paced_room);
    if (sequence->one_by_one) {
      // Its prompt is computed as it was, then its output as it was.
      const int64_t prompt_left = sequence->prompt_length - sequence->computed;
      count = std::min(count, std::max<int64_t>(1, prompt_left));
    }
    if (count <= 0) continue;
    parts.push_back({sequence, count});
    room -= count;
    paced_room -= count;
  }
  return parts;
}

void Scheduler::preempt(ScheduledSequence* sequence) {
  std::erase(running_, sequence);
  sequence->blocks.clear(pool_);
  sequence->computed = 0;
  ++stats_.preemptions;
  queue_.push_preempted(sequence);
}

ScheduledSequence* Scheduler::youngest() const {
  CARAVAN_CHECK(!running_.empty());
  return *std::max_element(running_.begin(), running_.end(), [](const auto* a, const auto* b) {
    return std::tie(a->priority, a->id) < std::tie(b->priority, b->id);
  });
}

bool Scheduler::make_room(const StepPart& part) {
  ScheduledSequence* sequence = part.sequence;
  while (!sequence->blocks.reserve(sequence->computed + part.count, options_.block_size, pool_)) {
    ScheduledSequence* last = youngest();
    preempt(last);
    if (last == sequence) return false;
  }
  return true;
}

std::vector<StepPart> Scheduler::next_step() {
  admitted_.clear();
  ++steps_;
  // Who is planned for may be the youngest and give way itself: then others are in turn.
  while (true) {
    std::vector<StepPart> parts = planned_with_room();
    if (!parts.empty() || queue_.empty()) return parts;
  }
}

std::vector<StepPart> Scheduler::planned_with_room() {
  admit(false);
  std::vector<StepPart> parts = plan();
  // Beams that are computed wait for one that has no blocks: first it may take the last ones, then the
  // youngest gives way.
  while (parts.empty() && !queue_.empty()) {
    admit(true);
    parts = plan();
    if (parts.empty()) preempt(youngest());
  }
  for (const StepPart& part : parts) {
    const bool runs = std::find(running_.begin(), running_.end(), part.sequence) != running_.end();
    if (runs) static_cast<void>(make_room(part));
  }
  std::erase_if(parts, [this](const StepPart& part) {
    return std::find(running_.begin(), running_.end(), part.sequence) == running_.end();
  });
  return parts;
}

void Scheduler::done(std::span<const StepPart> parts, double seconds) {
  int64_t tokens = 0;
  for (const StepPart& part : parts) {
    ScheduledSequence& sequence = *part.sequence;
    tokens += part.count;
    const bool output = !sequence.in_prompt();
    queue_.charge(sequence.client, output ? kOutputPrice * part.count : part.count);
    sequence.computed += part.count;
    if (sequence.computed >= sequence.prompt_length && sequence.first_output == INT64_MAX)
      sequence.first_output = steps_;
    if (!options_.prefix_cache || !sequence.may_adopt) continue;
    const std::span<const int32_t> computed(sequence.tokens.data(), static_cast<size_t>(sequence.computed));
    sequence.blocks.remember(computed, options_.block_size, pool_);
  }
  if (tokens > 0) pacer_.record(tokens, seconds);
}

}  // namespace caravan
