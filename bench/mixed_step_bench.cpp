// What a prompt costs the sequences that decode beside it: steps of 4 sequences alone, and the same steps
// with 12 tokens of a new sequence's prompt, in turn, so that both see the same machine.
//
// It takes the engine's flags of `caravan bench` and Google Benchmark's own.
#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>

#include "base/machine.h"
#include "base/statistics.h"
#include "cli/flags/engine_flags.h"
#include "engine/engine.h"

namespace caravan {
namespace {

constexpr int64_t kDecoding = 4;
constexpr int64_t kPromptTokens = 12;
/// Tokens of each decoding sequence before its first step.
constexpr int64_t kContext = 1024;
/// Pairs of steps that are measured, after a few that warm up.
constexpr int64_t kPairs = 24;
constexpr int64_t kWarmUpPairs = 3;

Request request_of(int64_t prompt, int64_t output) {
  Request request;
  for (int64_t i = 0; i < prompt; ++i) request.prompt.push_back(static_cast<int32_t>(3 + i % 200));
  request.sampling.temperature = 0.0;
  request.max_output = output;
  return request;
}

double seconds_of_step(Engine& engine) {
  const double start = seconds_now();
  engine.step();
  return seconds_now() - start;
}

/// `flags` with room for the sequences of the measurement.
cli::EngineFlags with_room(cli::EngineFlags flags) {
  flags.engine.max_sequences = kDecoding + 1;
  // Two steps a pair, and those that compute prompts.
  flags.engine.max_sequence_length = kContext + 2 * (kPairs + kWarmUpPairs) + kDecoding + 1;
  return flags;
}

/// Adds the decoding sequences and computes their prompts.
void add_decoding(Engine& engine, int64_t max_sequence_length) {
  for (int64_t i = 0; i < kDecoding; ++i) engine.add(request_of(kContext, max_sequence_length - kContext));
  while (engine.stats().prefill_tokens < kDecoding * kContext) engine.step();
}

void mixed_steps(benchmark::State& state, const cli::EngineFlags& flags) {
  Engine engine(load_model(flags.model_path, flags.load), flags.engine);
  add_decoding(engine, flags.engine.max_sequence_length);
  std::vector<double> alone;
  std::vector<double> mixed;
  const auto pair = [&] {
    alone.push_back(seconds_of_step(engine));
    engine.add(request_of(kPromptTokens, 1));
    mixed.push_back(seconds_of_step(engine));
  };
  for (int64_t i = 0; i < kWarmUpPairs; ++i) pair();
  alone.clear();
  mixed.clear();
  for (auto _ : state) pair();
  state.counters["decode_ms"] = 1e3 * median(alone);
  state.counters["mixed_ms"] = 1e3 * median(mixed);
  state.counters["ratio"] = median(mixed) / median(alone);
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const cli::Command command = {.name = "mixed_step_bench",
                                .summary = "A prompt's tokens beside decoding sequences.",
                                .usage = "--model-path DIR [options]",
                                .groups = {cli::engine_option_group()},
                                .aliases = cli::engine_aliases(),
                                .positional = ""};
  const cli::EngineFlags flags = with_room(
      cli::parse_engine_flags(cli::Arguments(command, std::vector<std::string>(argv + 1, argv + argc))));
  benchmark::RegisterBenchmark("mixed_steps", mixed_steps, flags)
      ->Iterations(kPairs)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace caravan

int main(int argc, char** argv) {
  try {
    return caravan::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "caravan_mixed_step_bench: " << error.what() << '\n';
    return 1;
  }
}
