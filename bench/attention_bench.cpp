// How fast attention runs, by level, dtype of the cache and shape, on one lane and on all: prefill as a
// fraction of the fp32 arithmetic that the level can do on registers alone, decode as bytes of the cache read
// per second, and as a fraction of what a loop that only adds up as much memory reads. Both limits are
// measured right before. The caches are random; those of 32 KV heads are larger than the last-level cache.
//
//   cmake --preset release -B build/bench -DCARAVAN_BUILD_BENCH=ON
//   cmake --build build/bench --target caravan_attention_bench
//   build/bench/bench/caravan_attention_bench --benchmark_filter=prefill
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "base/machine.h"
#include "device/thread_team.h"
#include "kernels/peak.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

struct Heads {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};

/// `sequences` of `length` positions each, whose last `queries` are asked for.
struct BatchShape {
  int64_t sequences = 0;
  int64_t length = 0;
  int64_t queries = 0;
};

constexpr int64_t kBlockSize = 16;

/// Values in -1 .. 1, in `dtype`. Uniform, because only their being ordinary numbers matters here.
Tensor random_tensor(DType dtype, const Shape& shape) {
  std::minstd_rand random(1);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& value : values) value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
  Tensor tensor(dtype, shape);
  convert_elements(values.data(), DType::kF32, tensor.view().data, dtype, values.size());
  return tensor;
}

/// A cache of such values; of int8, whose elements are random bytes, with scales of 1/127.
Tensor random_cache(DType dtype, int64_t blocks, const Heads& heads) {
  const KvLayout layout = {dtype, blocks, heads.kv_heads, kBlockSize, heads.head_dim};
  if (!layout.has_scales()) return random_tensor(dtype, layout.shape());
  Tensor cache(dtype, layout.shape());
  std::minstd_rand random(1);
  for (int64_t i = 0; i < cache.shape().elements(); ++i)
    cache.as<int8_t>()[i] = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
  const std::vector<float> scales(kBlockSize, 1.0F / kLargestInt8);
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t head = 0; head < heads.kv_heads; ++head)
      std::memcpy(cache.as<int8_t>() + layout.scale_offset(b, head, 0), scales.data(),
                  kBlockSize * sizeof(float));
  }
  return cache;
}

/// The tensors of one attention call.
struct Batch {
  Batch(DType dtype, const Heads& heads, const BatchShape& shape, int lanes);
  [[nodiscard]] AttentionArgs args() const;

  Tensor q;
  Tensor k;
  Tensor v;
  Tensor y;
  Tensor positions;
  Tensor sequences;
  Tensor blocks;
  Tensor scratch;
  double attended = 0.0;  ///< positions that the query tokens attend to, all together
};

Batch::Batch(DType dtype, const Heads& heads, const BatchShape& shape, int lanes) {
  const int64_t tokens = shape.sequences * shape.queries;
  const int64_t columns = (shape.length + kBlockSize - 1) / kBlockSize;
  q = random_tensor(DType::kF32, {tokens, heads.heads * heads.head_dim});
  k = random_cache(dtype, shape.sequences * columns, heads);
  v = random_cache(dtype, shape.sequences * columns, heads);
  y = Tensor(DType::kF32, q.shape());
  scratch = Tensor(DType::kF32, {attention_scratch_elements(tokens, heads.heads, heads.kv_heads,
                                                            heads.head_dim, shape.length, lanes)});
  positions = Tensor(DType::kI32, {tokens});
  sequences = Tensor(DType::kI32, {tokens});
  blocks = Tensor(DType::kI32, {shape.sequences, columns});
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t position = shape.length - shape.queries + t % shape.queries;
    positions.as<int32_t>()[t] = static_cast<int32_t>(position);
    sequences.as<int32_t>()[t] = static_cast<int32_t>(t / shape.queries);
    attended += static_cast<double>(position + 1);
  }
  for (int64_t b = 0; b < blocks.shape().elements(); ++b) blocks.as<int32_t>()[b] = static_cast<int32_t>(b);
}

AttentionArgs Batch::args() const {
  const float scale = 1.0F / std::sqrt(static_cast<float>(kv_layout_of(k.view()).head_dim));
  return {q.view(), {positions.view(), sequences.view(), blocks.view()},
          k.view(), v.view(),
          scale,    0,
          y.view(), scratch.view()};
}

void run(benchmark::State& state, const KernelTable& table, const AttentionArgs& args, ThreadTeam& team) {
  check(args);
  const Kernel<AttentionArgs> kernel = table.attention.at(key_dtype(args)).run;
  for (auto iteration : state) {
    std::atomic<int64_t> tickets = 0;
    team.run([&](Lane lane) { kernel(args, {lane.index, lane.count, &tickets}); });
  }
}

/// A rate per second of wall time, printed with its unit by the benchmark library.
benchmark::Counter rate(double amount_per_iteration) {
  return {amount_per_iteration, benchmark::Counter::kIsIterationInvariantRate};
}

void prefill(benchmark::State& state, IsaLevel level, DType dtype, const Heads& heads,
             const BatchShape& shape, int lanes) {
  const Batch batch(dtype, heads, shape, lanes);
  ThreadTeam team(lanes);
  const double peak = measured_peak_flops(level, DType::kF32, team);
  run(state, select_kernels(level), batch.args(), team);
  const double operations = 4.0 * batch.attended * static_cast<double>(heads.heads * heads.head_dim);
  state.counters["flop/s"] = rate(operations);
  state.counters["peak"] = peak;
  state.counters["of peak"] = rate(operations / peak);
}

/// Bytes per second that the team reads of `tensor`: the best of several passes, each lane over a part.
double read_bandwidth(const Tensor& tensor, ThreadTeam& team) {
  const auto* words = static_cast<const uint64_t*>(tensor.view().data);
  const auto count = static_cast<int64_t>(tensor.view().bytes() / sizeof(uint64_t));
  constexpr int kPasses = 12;
  double best = 0.0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const double start = seconds_now();
    team.run([&](Lane lane) {
      const Range part = share_of(count, lane, 64);
      uint64_t sums[8] = {};
      for (int64_t i = part.begin; i + 64 <= part.end; i += 64) {
        for (int64_t j = 0; j < 64; j += 8) {
          __builtin_prefetch(words + i + j + 512);
          for (int64_t k = 0; k < 8; ++k) sums[k] += words[i + j + k];
        }
      }
      benchmark::DoNotOptimize(sums);
    });
    best = std::max(best, static_cast<double>(tensor.view().bytes()) / (seconds_now() - start));
  }
  return best;
}

void decode(benchmark::State& state, IsaLevel level, DType dtype, const Heads& heads, const BatchShape& shape,
            int lanes) {
  const Batch batch(dtype, heads, shape, lanes);
  ThreadTeam team(lanes);
  const double bandwidth = read_bandwidth(batch.k, team);
  run(state, select_kernels(level), batch.args(), team);
  const double bytes = 2.0 * static_cast<double>(batch.k.view().bytes());
  state.counters["cache B/s"] = rate(bytes);
  state.counters["limit"] = bandwidth;
  state.counters["of limit"] = rate(bytes / bandwidth);
}

using Body = void (*)(benchmark::State&, IsaLevel, DType, const Heads&, const BatchShape&, int);

void add(const std::string& kind, Body body, const Heads& heads, const BatchShape& shape) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    // The reference kernels are not meant to be fast.
    if (level == IsaLevel::kPortable) continue;
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
      for (const int lanes : {1, usable_cpus()}) {
        const std::string name = kind + "/" + std::to_string(shape.sequences) + "x" +
                                 std::to_string(shape.length) + "/" + std::to_string(heads.heads) + ":" +
                                 std::to_string(heads.kv_heads) + "x" + std::to_string(heads.head_dim) + "/" +
                                 std::string(name_of(level)) + "/" + std::string(name_of(dtype)) +
                                 "/lanes:" + std::to_string(lanes);
        benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { body(state, level, dtype, heads, shape, lanes); })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
        if (usable_cpus() == 1) break;
      }
    }
  }
}

void add_all() {
  constexpr Heads kGrouped = {32, 4, 64};  // TinyLlama-1.1B
  constexpr Heads kPlain = {32, 32, 128};  // Llama-2-7B
  for (const Heads& heads : {kGrouped, kPlain}) {
    for (const int64_t length : {512, 2048}) add("prefill", prefill, heads, {1, length, length});
    for (const int64_t length : {1024, 4096}) add("decode", decode, heads, {4, length, 1});
    add("decode", decode, heads, {1, 8192, 1});
  }
}

}  // namespace
}  // namespace caravan

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  caravan::add_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
