// Which tokens of which sequences the next step computes: admission, chunked prefill, and preemption when
// blocks run out. Policy only: it sees lengths and blocks, no tensors and no device.
//
// A sequence that lacks one token decodes; one that lacks more prefills, in pieces where a step is full; one
// that lacks none waits for whoever owns it. Preempted sequences lose their blocks, keep their tokens, and
// are computed again as soon as there is room, before anything new. Invariants: the oldest sequence always
// gets on, so that every sequence ends. Thread safety: one thread, the engine's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kv/block_pool.h"
#include "scheduler/fair_queue.h"
#include "scheduler/prefill_pacer.h"
#include "scheduler/sequence.h"

namespace caravan {

struct SchedulerOptions {
  int64_t max_sequences = 1;     ///< that run together
  int64_t max_batch_tokens = 1;  ///< of a step; decodes are never left out
  int64_t block_size = 1;        ///< tokens
  bool prefix_cache = false;     ///< blocks that are full stay known when their sequences end
  double prefill_stretch = 0.0;  ///< PrefillPacer's
};

/// Compute tokens `computed` .. `computed + count - 1` of the sequence.
struct StepPart {
  ScheduledSequence* sequence = nullptr;
  int64_t count = 0;
};

struct SchedulerStats {
  int64_t preemptions = 0;
  int64_t prefix_queries = 0;  ///< tokens of prompts that were looked up
  int64_t prefix_hits = 0;     ///< of them, found
};

class Scheduler {
 public:
  /// `pool` must outlive it.
  Scheduler(const SchedulerOptions& options, BlockPool& pool);

  /// Lets a sequence wait its turn. It must outlive its stay, and its tokens must fit into the whole pool.
  void add(ScheduledSequence* sequence);
  /// A sequence leaves, whether it runs or waits; its blocks are given back.
  void remove(ScheduledSequence* sequence);
  /// `child`, a copy of `parent` without blocks, runs on beside it from the same `computed` tokens. Returns
  /// the block to copy, if there is one. Where the pool has no block for it, the child is preempted at once.
  std::optional<BlockCopy> fork(const ScheduledSequence& parent, ScheduledSequence* child);

  /// The next step: admits what fits, plans, and preempts the youngest where blocks are lacking. Never empty
  /// while a sequence that runs or waits lacks a token. The sequences that have just been admitted are in
  /// `admitted()` until the next call.
  std::vector<StepPart> next_step();
  /// The step has run: `count` more tokens of each part are in the cache.
  void done(std::span<const StepPart> parts, double seconds);

  [[nodiscard]] const std::vector<ScheduledSequence*>& running() const { return running_; }
  [[nodiscard]] size_t waiting() const { return queue_.size(); }
  [[nodiscard]] const std::vector<ScheduledSequence*>& admitted() const { return admitted_; }
  [[nodiscard]] const SchedulerStats& stats() const { return stats_; }

 private:
  /// Lets in who is next, as long as there is room. `urgent`: to the last block.
  void admit(bool urgent);
  /// Whether `sequence` may run now; if so, it has the blocks of what the cache knows of it.
  bool start(ScheduledSequence& sequence, bool urgent);
  /// The first of the steps after whose end a prompt that was let in came later than the first token of one
  /// that decodes, so that its pieces are paced.
  [[nodiscard]] int64_t first_paced() const;
  /// Oldest first, whatever order they come in, come back in or are forked in: a request's are neighbours.
  void let_run(ScheduledSequence* sequence);
  [[nodiscard]] int64_t places_taken() const;
  [[nodiscard]] std::vector<StepPart> plan() const;
  /// Admits, plans and makes room; empty where all that was planned had to give way.
  std::vector<StepPart> planned_with_room();
  /// Makes room for `part`; returns false if its own sequence had to give way.
  bool make_room(const StepPart& part);
  /// Of those that run, the last to come of the least urgent.
  [[nodiscard]] ScheduledSequence* youngest() const;
  void preempt(ScheduledSequence* sequence);

  SchedulerOptions options_;
  BlockPool& pool_;
  FairQueue queue_;
  PrefillPacer pacer_;
  int64_t steps_ = 0;                        ///< that have begun, the one that is being planned included
  std::vector<ScheduledSequence*> running_;  ///< oldest first
  std::vector<ScheduledSequence*> admitted_;
  SchedulerStats stats_;
};

}  // namespace caravan
