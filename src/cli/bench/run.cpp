#include "cli/bench/run.h"

#include <algorithm>
#include <future>
#include <random>

#include "base/machine.h"
#include "engine/engine.h"
#include "scheduler/scheduler.h"

namespace caravan::cli {

namespace {

/// Decode steps of the warm-up: enough for every shape to have been seen.
constexpr int64_t kWarmUpTokens = 4;
/// Any number: the same prompts in every run and on every machine.
constexpr uint64_t kPromptSeed = 20260101;

std::vector<int32_t> random_prompt(int64_t sequence, int64_t length, int64_t vocab) {
  std::mt19937_64 random(kPromptSeed + static_cast<uint64_t>(sequence));
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < length; ++i)
    ids.push_back(static_cast<int32_t>(random() % static_cast<uint64_t>(vocab)));
  return ids;
}

/// One run of a case, step by step.
class Run {
 public:
  Run(Engine& engine, const BenchCase& at) : engine_(engine), at_(at), outputs_(batch(), 0) {
    for (int64_t i = 0; i < at.batch; ++i) {
      Request request;
      request.prompt = random_prompt(i, at.input, engine.config().vocab_size);
      request.sampling.temperature = 0.0;
      // The sequences that decode while others prefill must still run when the last one is done.
      request.max_output = at.flags.engine.max_sequence_length - at.input;
      ids_.push_back(engine.add(std::move(request)));
    }
  }

  /// Steps until `output` tokens of every sequence were timed, adding the times to `runs`.
  void run(int64_t output, BenchRuns& runs, const std::function<void(int64_t)>& after_step) {
    double prefill = 0.0;
    double total = 0.0;
    int64_t decoded = 0;
    bool prefilled = false;
    while (engine_.has_work() && (!prefilled || decoded < output - 1)) {
      const double start = seconds_now();
      const int64_t steps = engine_.stats().prefill_steps;
      const std::vector<StepResult> results = engine_.step();
      const double seconds = seconds_now() - start;
      total += seconds;
      const bool is_prefill = engine_.stats().prefill_steps != steps;
      if (is_prefill) {
        prefill += seconds;
      } else if (results.size() == batch()) {
        if (decoded == 0) runs.first_decoded = next_tokens();
        runs.decode_seconds.push_back(seconds);
        ++decoded;
      }
      for (const StepResult& result : results) {
        if (result.token.has_value()) ++outputs_[static_cast<size_t>(result.id - ids_.front())];
      }
      prefilled = std::find(outputs_.begin(), outputs_.end(), 0) == outputs_.end();
      after_step(decoded);
    }
    for (const SequenceId id : ids_) engine_.cancel(id);
    runs.prefill_seconds.push_back(prefill);
    runs.total_seconds.push_back(total);
  }

 private:
  [[nodiscard]] size_t batch() const { return static_cast<size_t>(at_.batch); }

  /// [batch]: the token that the next step computes of each sequence.
  [[nodiscard]] std::vector<int64_t> next_tokens() const {
    std::vector<int64_t> tokens;
    for (const int64_t output : outputs_) tokens.push_back(at_.input + output - 1);
    return tokens;
  }

  Engine& engine_;
  const BenchCase& at_;
  std::vector<SequenceId> ids_;   ///< [batch], consecutive
  std::vector<int64_t> outputs_;  ///< [batch]: tokens that each sequence has generated
};

BenchRuns run_here(const BenchCase& at, int64_t repeat, const BenchProgress& progress) {
  BenchRuns runs;
  // What other cases read of them is no part of this one's peak.
  if (at.flags.load.opened) at.flags.load.opened->release_pages();
  const bool counts_anew = reset_peak_memory();
  progress("loading");
  Model model = load_model(at.flags.model_path, at.flags.load);
  runs.weight_bytes = model.weight_bytes();
  Engine engine(std::move(model), at.flags.engine);
  runs.kv_bytes = engine.kv_bytes();
  BenchRuns unused;
  progress("warming up");
  Run(engine, at).run(std::min(at.output, 1 + kWarmUpTokens), unused, [](int64_t /*decoded*/) {});
  for (int64_t i = 0; i < repeat; ++i) {
    const std::string which = "run " + std::to_string(i + 1) + " of " + std::to_string(repeat);
    progress(which);
    Run(engine, at).run(at.output, runs, [&](int64_t decoded) {
      progress(which + ", token " + std::to_string(decoded + 1) + " of " + std::to_string(at.output));
    });
  }
  if (counts_anew) runs.peak_bytes = peak_memory_bytes();
  return runs;
}

}  // namespace

BenchRuns run_case(const BenchCase& at, int64_t repeat, const BenchProgress& progress) {
  // On a thread of its own, because --bind-cpu pins the thread that makes an engine, and the next engine's
  // threads would all get that one CPU.
  return std::async(std::launch::async, [&] { return run_here(at, repeat, progress); }).get();
}

int64_t tokens_while_prefilling(int64_t batch, int64_t input, int64_t max_batch_tokens) {
  // As a contiguous cache has it: a block for each sequence.
  BlockPool pool(static_cast<int32_t>(batch));
  SchedulerOptions options;
  options.max_sequences = batch;
  options.max_batch_tokens = max_batch_tokens;
  options.block_size = kNoLimit / 2;
  Scheduler scheduler(options, pool);
  std::vector<ScheduledSequence> sequences(static_cast<size_t>(batch));
  for (size_t i = 0; i < sequences.size(); ++i) {
    sequences[i].id = static_cast<int64_t>(i);
    sequences[i].tokens.resize(static_cast<size_t>(input));
    sequences[i].prompt_length = input;
    sequences[i].max_length = 2 * input;
    scheduler.add(&sequences[i]);
  }
  const auto in_prompt = [](const ScheduledSequence& each) { return each.in_prompt(); };
  while (std::any_of(sequences.begin(), sequences.end(), in_prompt)) {
    const std::vector<StepPart> parts = scheduler.next_step();
    scheduler.done(parts, 0.0);
    for (const StepPart& part : parts) {
      if (part.sequence->missing() == 0) part.sequence->tokens.push_back(0);
    }
  }
  return sequences.front().length() - input;
}

}  // namespace caravan::cli
