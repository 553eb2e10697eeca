// What choosing a token costs: one row of logits, by vocabulary and way of sampling. The rows look like a
// language model's: most logits about 0 with a deviation of 2.5, twenty tokens around 12; "flat" ones have
// only a deviation of 1, the worst case of a nucleus.
#include <benchmark/benchmark.h>

#include <random>

#include "sampling/logprobs.h"
#include "sampling/sampler.h"
#include "sampling/token_mask.h"

namespace caravan {
namespace {

constexpr size_t kRows = 16;

using Rows = std::vector<std::vector<float>>;

Rows model_rows(size_t vocab) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0.0F, 2.5F);
  Rows rows(kRows, std::vector<float>(vocab));
  for (std::vector<float>& row : rows) {
    for (float& logit : row) logit = normal(random);
    for (int i = 0; i < 20; ++i) row[random() % vocab] = 12.0F + normal(random);
  }
  return rows;
}

Rows flat_rows(size_t vocab) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  Rows rows(kRows, std::vector<float>(vocab));
  for (std::vector<float>& row : rows) {
    for (float& logit : row) logit = normal(random);
  }
  return rows;
}

void sample(benchmark::State& state, const SamplingParams& params, bool flat, bool masked) {
  const auto vocab = static_cast<size_t>(state.range(0));
  const Rows rows = flat ? flat_rows(vocab) : model_rows(vocab);
  std::vector<uint64_t> mask(masked ? mask_words(vocab) : 0, 0xfffffffffffffffeU);
  std::vector<int32_t> prompt(1000);
  for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(i * 7);
  const std::vector<int32_t> output(prompt.begin(), prompt.begin() + 200);
  Sampler sampler(params);
  size_t row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sampler.sample(rows[row++ % kRows], prompt, output, mask));
  }
}

void logprobs(benchmark::State& state) {
  const auto vocab = static_cast<size_t>(state.range(0));
  const Rows rows = model_rows(vocab);
  size_t row = 0;
  for (auto _ : state) benchmark::DoNotOptimize(logprobs_of(rows[row++ % kRows], 77, 5));
}

void each_vocabulary(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("vocab")->Arg(32'000)->Arg(128'256);
}

BENCHMARK_CAPTURE(sample, greedy, {.temperature = 0.0}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, greedy_masked, {.temperature = 0.0}, false, true)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, greedy_penalized, {.temperature = 0.0, .repetition_penalty = 1.1}, false, false)
    ->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, temperature, {.temperature = 1.0}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, top_k_50, {.top_k = 50}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, top_k_50_top_p, {.top_k = 50, .top_p = 0.9}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, top_p, {.top_p = 0.9}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, top_p_flat, {.top_p = 0.9}, true, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, min_p, {.min_p = 0.05}, false, false)->Apply(each_vocabulary);
BENCHMARK_CAPTURE(sample, typical, {.typical_p = 0.9}, false, false)->Apply(each_vocabulary);
BENCHMARK(logprobs)->Apply(each_vocabulary);

}  // namespace
}  // namespace caravan

BENCHMARK_MAIN();
