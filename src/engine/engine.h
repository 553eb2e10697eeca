// The engine: one loop that owns every sequence and steps the model.
//
// Use: add() requests, then step() until has_work() is false; each step returns what it did for each
// choice; logits stay until the next step. Invariants: a sequence's tokens depend on its own request only,
// whatever else is in the batch, however its prompt is cut, whatever of it was found in the prefix cache, and
// however often it was preempted. Thread safety: one thread owns an engine.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "device/thread_team.h"
#include "engine/batch.h"
#include "engine/beams.h"
#include "engine/choose.h"
#include "engine/embedder.h"
#include "engine/options.h"
#include "engine/request.h"
#include "engine/sequence.h"
#include "execute/executor.h"
#include "kv/cache.h"
#include "models/model.h"
#include "scheduler/scheduler.h"

namespace caravan {

/// What the engine has done so far, for figures. A step that computes any part of a prompt counts as prefill.
struct EngineStats {
  int64_t prefill_steps = 0;
  int64_t prefill_tokens = 0;
  double prefill_seconds = 0.0;
  int64_t decode_steps = 0;
  int64_t decode_tokens = 0;
  double decode_seconds = 0.0;
  int64_t prompt_tokens = 0;   ///< of prompts, in steps of either kind
  double model_seconds = 0.0;  ///< of both, in the model's graph; the rest is scheduling and sampling
  uint64_t guide_steps = 0;    ///< masks made for guided output
  double guide_seconds = 0.0;  ///< and what they took

  void add(bool prefill, int64_t tokens, double seconds);
};

class Engine {
 public:
  /// Throws Error if the weights and the KV cache do not fit into the options' memory limit.
  Engine(Model model, const EngineOptions& options);
  ~Engine();

  /// Throws Error if the request's prompt is empty, holds an id outside the vocabulary, leaves no room for a
  /// token within the context, the engine's max_sequence_length or its KV cache, or if it asks for more
  /// choices than run together.
  void check(const Request& request) const;
  /// Queues a request that check() has passed, or throws what check() throws.
  SequenceId add(Request request);
  /// Ends a request now, whether it runs or waits; does nothing if it is gone already.
  void cancel(SequenceId id);
  /// Ends one choice of it.
  void cancel(SequenceId id, int64_t choice);

  [[nodiscard]] bool has_work() const { return !groups_.empty(); }
  /// Runs one step over the sequences that run, letting waiting ones join first.
  std::vector<StepResult> step();
  /// The requests that the last step let in for the first time.
  [[nodiscard]] const std::vector<Admission>& admissions() const { return admissions_; }

  [[nodiscard]] const ModelConfig& config() const { return model_.config; }
  [[nodiscard]] DType dtype() const { return model_.dtype; }
  [[nodiscard]] const EngineOptions& options() const { return options_; }
  [[nodiscard]] const EngineStats& stats() const { return stats_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] const BlockPool& pool() const { return pool_; }
  /// How its steps really ran.
  [[nodiscard]] const ExecutorStats& executor_stats() const { return executor_.stats(); }
  [[nodiscard]] uint64_t kv_bytes() const { return kv_shape_.bytes(model_.kv_dtype); }
  /// Tokens of the longest prompt and output together.
  [[nodiscard]] int64_t max_length() const;

 private:
  /// What the step computes of `sequence`: its next `count` tokens.
  BatchPart part_of(Sequence& sequence, int64_t count) const;
  /// Runs the model over `parts` and returns the sequences that are computed now; what is to be told of
  /// others goes to `results`.
  std::vector<Choice> run_parts(std::span<const StepPart> parts, std::vector<StepResult>& results);
  /// What the request wants to know of the rows that were computed of its sequence, beside the next token.
  [[nodiscard]] StepResult report_of(const StepPart& part, std::span<const float> logits) const;
  /// Embeds the parts of requests that ask for it.
  void embed_parts(std::span<const StepPart> parts, std::vector<StepResult>& results);
  /// A copy of `parent` that runs on beside it.
  Sequence& fork(const Sequence& parent);
  /// Gives requests whose prompt is computed their other choices.
  void fork_choices(std::vector<Choice>& choices);
  void choose_all(std::vector<Choice>& choices);
  /// Adds to the figures what the sequence's guide has cost since it was last counted.
  void count_guide(Sequence& sequence);
  /// Ends or continues the sequence as was chosen.
  void apply(Choice& choice, std::vector<StepResult>& results);
  /// Once every beam of the group is computed: on to the next token of all.
  void advance_beams(SequenceId id, std::vector<StepResult>& results);
  /// The sequences that go on as `live` says, each with its token: those that have no child are gone.
  void continue_beams(Group& group, std::span<const BeamExtension> live);
  void remove(Sequence& sequence);

  Model model_;
  EngineOptions options_;
  KvCacheShape kv_shape_;
  KvCache cache_;
  BlockPool pool_;
  Scheduler scheduler_;
  ThreadTeam team_;
  KernelTable kernels_;
  Executor executor_;
  std::unique_ptr<Embedder> embedder_;   ///< made when it is first needed
  std::vector<float> rope_frequencies_;  ///< [head_dim / 2], where they do not depend on the length
  SequenceId next_id_ = 0;
  std::map<SequenceId, std::unique_ptr<Group>> groups_;
  std::vector<Admission> admissions_;
  EngineStats stats_;
};

}  // namespace caravan
