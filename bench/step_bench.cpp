// What a call of a replayed step costs that computes nothing: the walk of the list, and the barrier.
#include <benchmark/benchmark.h>

#include "device/step_barrier.h"
#include "device/thread_team.h"

namespace caravan {
namespace {

/// Calls of a step; so many that the start and the end of the team's call do not count.
constexpr int kCalls = 10'000;

void empty_calls(benchmark::State& state) {
  ThreadTeam team(static_cast<int>(state.range(0)));
  StepBarrier barrier(team.size(), team.spins());
  for (auto _ : state) {
    team.run([&](Lane) {
      for (int call = 0; call < kCalls; ++call) barrier.wait();
    });
  }
  state.counters["ns per call"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kCalls,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(empty_calls)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();

void empty_team_calls(benchmark::State& state) {
  ThreadTeam team(static_cast<int>(state.range(0)));
  for (auto _ : state) team.run([](Lane) {});
}
BENCHMARK(empty_team_calls)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace caravan

BENCHMARK_MAIN();
