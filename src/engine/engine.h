// The engine: one loop that owns every sequence and steps the model.
//
// Use: add() requests, then step() until has_work() is false; each step returns what it did for each
// sequence; logits stay until the next step. Invariants: a sequence's tokens depend on its own request only,
// whatever else is in the batch. A sequence that runs holds the blocks of its whole length, so that no step
// can run out of them. Thread safety: one thread owns an engine.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "device/thread_team.h"
#include "engine/batch.h"
#include "engine/options.h"
#include "engine/request.h"
#include "execute/executor.h"
#include "kv/block_pool.h"
#include "kv/cache.h"
#include "models/model.h"

namespace caravan {

/// What the engine has done so far, for figures. A step that computes any part of a prompt counts as prefill.
struct EngineStats {
  int64_t prefill_steps = 0;
  int64_t prefill_tokens = 0;
  double prefill_seconds = 0.0;
  int64_t decode_steps = 0;
  int64_t decode_tokens = 0;
  double decode_seconds = 0.0;

  void add(bool prefill, int64_t tokens, double seconds);
};

class Engine {
 public:
  /// Throws Error if the weights and the KV cache do not fit into the options' memory limit.
  Engine(Model model, const EngineOptions& options);
  ~Engine();

  /// Queues a request. Throws Error if its prompt is empty, holds an id outside the vocabulary, or leaves no
  /// room for a token within the context or the engine's max_sequence_length.
  SequenceId add(Request request);
  /// Ends a sequence now, whether it runs or waits; does nothing if it is gone already.
  void cancel(SequenceId id);

  [[nodiscard]] bool has_work() const { return !running_.empty() || !waiting_.empty(); }
  /// Runs one step over the sequences that run, letting waiting ones join first.
  std::vector<StepResult> step();

  [[nodiscard]] const ModelConfig& config() const { return model_.config; }
  [[nodiscard]] const EngineStats& stats() const { return stats_; }
  /// How its steps really ran.
  [[nodiscard]] const ExecutorStats& executor_stats() const { return executor_.stats(); }
  [[nodiscard]] uint64_t kv_bytes() const { return kv_shape_.bytes(model_.dtype); }

 private:
  struct Sequence;

  void admit();
  /// What the next step computes of `sequence`: its next `count` tokens.
  BatchPart part_of(Sequence& sequence, int64_t count) const;
  StepResult advance(Sequence& sequence, int64_t computed, std::span<const float> logits);

  Model model_;
  EngineOptions options_;
  KvCacheShape kv_shape_;
  KvCache cache_;
  BlockPool pool_;
  ThreadTeam team_;
  KernelTable kernels_;
  Executor executor_;
  SequenceId next_id_ = 0;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  EngineStats stats_;
};

}  // namespace caravan
