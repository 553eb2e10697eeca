#include "cli/bench/figures.h"

#include "base/statistics.h"
#include "graph/cost.h"

namespace caravan::cli {

namespace {

constexpr double kMilli = 1e3;

/// The step that decodes one token of every sequence, `after` steps after the first that did.
std::vector<StepSequence> decode_step(const std::vector<int64_t>& first, int64_t after) {
  std::vector<StepSequence> step;
  step.reserve(first.size());
  for (const int64_t token : first) step.push_back({token + after, 1});
  return step;
}

/// The least seconds of a decode step, the mean over `steps` steps.
double decode_limit(const Graph& graph, const std::vector<int64_t>& first, int64_t steps,
                    const MachineRates& rates) {
  double seconds = 0.0;
  for (int64_t step = 0; step < steps; ++step)
    seconds += least_seconds(cost_of_step(graph, decode_step(first, step)), rates);
  return seconds / static_cast<double>(steps);
}

DecodeFigures decode_figures(const BenchRuns& runs, const Graph& graph, const MachineRates& rates) {
  const std::vector<double>& seconds = runs.decode_seconds;
  const auto steps = static_cast<int64_t>(seconds.size() / runs.total_seconds.size());
  return {
      .mean_ms = kMilli * mean_of(seconds),
      .median_ms = kMilli * median(seconds),
      .p90_ms = kMilli * quantile(seconds, 0.90),
      .p99_ms = kMilli * quantile(seconds, 0.99),
      .limit_ms = kMilli * decode_limit(graph, runs.first_decoded, steps, rates),
  };
}

/// The rate of a test: of all its tokens over all its steps, as llama-bench counts it.
void set_rate(BenchFigures& figures, const BenchRuns& runs, const Graph& graph, const MachineRates& rates) {
  const BenchCase& at = figures.at;
  const bool generates = at.output > 1;
  const auto tokens = static_cast<double>(generates ? at.output : at.input);
  std::vector<double> per_second;
  for (const double seconds : runs.total_seconds) per_second.push_back(tokens / seconds);
  figures.rate_mean = mean_of(per_second);
  figures.rate_deviation = sample_deviation(per_second);
  if (generates) {
    figures.limit_rate = 1.0 / decode_limit(graph, {at.input - 1}, at.output, rates);
  } else if (figures.prefill_limit_ms.has_value()) {
    figures.limit_rate = kMilli * tokens / *figures.prefill_limit_ms;
  }
}

}  // namespace

BenchFigures figures_of(const BenchCase& at, const BenchRuns& runs, const Graph& graph,
                        const BenchLimits& limits) {
  const MachineRates rates = {limits.bytes_per_second, limits.flops_per_second, limits.int8_per_second};
  BenchFigures figures;
  figures.at = at;
  figures.limits = limits;
  figures.weight_bytes = runs.weight_bytes;
  figures.kv_bytes = runs.kv_bytes;
  figures.peak_bytes = runs.peak_bytes;
  const double prefill = median(runs.prefill_seconds);
  figures.prefill_ms = kMilli * prefill;
  figures.prefill_tokens_per_second = static_cast<double>(at.batch * at.input) / prefill;
  const std::vector<StepSequence> prompts(static_cast<size_t>(at.batch), {0, at.input});
  const std::optional<double> least = least_arithmetic_seconds(cost_of_step(graph, prompts), rates);
  if (least) figures.prefill_limit_ms = kMilli * *least;
  if (!at.test.empty()) {
    set_rate(figures, runs, graph, rates);
  } else if (!runs.decode_seconds.empty()) {
    figures.decode = decode_figures(runs, graph, rates);
  }
  return figures;
}

uint64_t decode_bytes(const BenchCase& at, const Graph& graph) {
  const std::vector<int64_t> tokens(static_cast<size_t>(at.batch), at.input - 1);
  return static_cast<uint64_t>(total_of(cost_of_step(graph, decode_step(tokens, at.output / 2))).bytes);
}

}  // namespace caravan::cli
