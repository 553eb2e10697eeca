// How fast linear, packed_linear and the quantisation of rows run, by level, dtype and shape, on one lane or
// on as many threads as
// `--lanes` in the benchmark's name says. Weights and caches are random, and larger than the last-level cache
// where the shape is a model's, so that decode figures are the memory's.
//
//   cmake --preset release -B build/bench -DCARAVAN_BUILD_BENCH=ON
//   cmake --build build/bench --target caravan_kernels_bench
//   build/bench/bench/caravan_kernels_bench --benchmark_filter=linear
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>

#include "device/thread_team.h"
#include "kernels/peak.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

/// Values in -1 .. 1, in `dtype`. Uniform, because only their being ordinary numbers matters here.
Tensor random_tensor(DType dtype, const Shape& shape) {
  std::minstd_rand random(1);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& value : values) value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
  Tensor tensor(dtype, shape);
  convert_elements(values.data(), DType::kF32, tensor.view().data, dtype, values.size());
  return tensor;
}

template <typename Args>
void run(benchmark::State& state, const KernelRow<Args>& row, const Args& args, int lanes) {
  check(args);
  const Kernel<Args> kernel = row.at(key_dtype(args)).run;
  ThreadTeam team(lanes);
  for (auto iteration : state) {
    std::atomic<int64_t> tickets = 0;
    team.run([&](Lane lane) { kernel(args, {lane.index, lane.count, &tickets}); });
  }
}

/// A rate per second of wall time, printed with its unit by the benchmark library.
benchmark::Counter rate(double amount_per_iteration) {
  return {amount_per_iteration, benchmark::Counter::kIsIterationInvariantRate};
}

struct LinearShape {
  int64_t tokens = 0;
  int64_t in = 0;
  int64_t out = 0;
};

/// By shape of the packed weight: prefill's figure is a fraction of the arithmetic that the level can do,
/// which is measured right before.
void packed_linear(benchmark::State& state, IsaLevel level, DType dtype, const LinearShape& shape,
                   int lanes) {
  const KernelTable table = select_kernels(level);
  const DType input = dtype == DType::kBF16 ? DType::kBF16 : DType::kF32;
  const Tensor x = random_tensor(input, {shape.tokens, shape.in});
  const Tensor weight = random_tensor(dtype, panel_shape(shape.out, shape.in, dtype));
  const Tensor y(DType::kF32, {shape.tokens, shape.out});
  ThreadTeam team(lanes);
  const double peak = measured_peak_flops(level, dtype, team);
  run(state, table.packed_linear, {x.view(), weight.view(), {}, {}, y.view(), Epilogue::kNone, {}}, lanes);
  const double operations = 2.0 * static_cast<double>(shape.tokens * shape.in * shape.out);
  state.counters["flop/s"] = rate(operations);
  state.counters["of peak"] = rate(operations / peak);
  state.counters["weight B/s"] = rate(static_cast<double>(weight.view().bytes()));
}

/// A quantised weight whose bytes are random and whose scales are ordinary numbers.
Tensor random_blob(const QuantizedFormat& format, const LinearShape& shape) {
  const Shape size = quantized_shape(shape.out, shape.in, format);
  Tensor blob(blob_dtype(format), size);
  auto* bytes = static_cast<uint8_t*>(blob.view().data);
  std::minstd_rand random(1);
  for (int64_t i = 0; i < size.elements(); ++i) bytes[i] = static_cast<uint8_t>(random() >> 8U);
  const std::vector<float> scales(kPanelOutputs, 0.01F);
  const ChunkLayout layout = chunk_layout(format, shape.in);
  for (int64_t chunk = 0; chunk < size[0] * size[1]; ++chunk) {
    uint8_t* of_chunk = bytes + chunk * size[2];
    convert_elements(scales.data(), DType::kF32, of_chunk, format.scale, scales.size());
    if (format.weight.minimums)
      convert_elements(scales.data(), DType::kF32, of_chunk + layout.minimums, format.scale, scales.size());
  }
  // Where not every value is stored: one of every two, so that there are as many as there is room for.
  for (int64_t panel = 0; format.row_kept != 0 && panel < size[0]; ++panel) {
    for (uint8_t* mask = bytes + panel * size[2] + layout.masks;
         mask < bytes + panel * size[2] + layout.values; ++mask)
      *mask = static_cast<uint8_t>((*mask & 0x55U) | (~*mask & 0x55U) << 1U);
  }
  return blob;
}

/// A weight of `format`; weights B/s are of the blob, scales and all.
void quantized_linear(benchmark::State& state, IsaLevel level, const QuantizedFormat& format,
                      const LinearShape& shape, int lanes) {
  const KernelTable table = select_kernels(level);
  const bool rows_quantized = format.rows.mode != ActivationQuant::kNone;
  Tensor x =
      random_tensor(format.order == DType::kBF16 ? DType::kBF16 : DType::kF32, {shape.tokens, shape.in});
  if (rows_quantized) {
    Tensor rows(DType::kU8, {shape.tokens, quantized_row_bytes(shape.in)});
    table.quantize_rows.at(DType::kF32).run({x.view(), format.rows, rows.view()}, {});
    std::swap(x, rows);
  }
  const Tensor weight = random_blob(format, shape);
  const Tensor y(DType::kF32, {shape.tokens, shape.out});
  ThreadTeam team(lanes);
  const double peak = measured_peak_flops(level, format.order, team);
  PackedLinearArgs args = {x.view(), weight.view(), {}, {}, y.view(), Epilogue::kNone, {}, format, shape.in};
  run(state, table.packed_linear, args, lanes);
  const double operations = 2.0 * static_cast<double>(shape.tokens * shape.in * shape.out);
  state.counters["op/s"] = rate(operations);
  state.counters["of peak"] = rate(operations / peak);
  state.counters["weight B/s"] = rate(static_cast<double>(weight.view().bytes()));
}

void quantize_rows(benchmark::State& state, IsaLevel level, DType dtype, const LinearShape& shape,
                   int lanes) {
  const KernelTable table = select_kernels(level);
  const Tensor x = random_tensor(dtype, {shape.tokens, shape.in});
  const Tensor y(DType::kU8, {shape.tokens, quantized_row_bytes(shape.in)});
  run(state, table.quantize_rows, {x.view(), {ActivationQuant::kPerToken}, y.view()}, lanes);
  state.counters["x B/s"] = rate(static_cast<double>(x.view().bytes()));
}

void linear(benchmark::State& state, IsaLevel level, DType dtype, const LinearShape& shape, int lanes) {
  const KernelTable table = select_kernels(level);
  const DType input = dtype == DType::kBF16 ? DType::kBF16 : DType::kF32;
  const Tensor x = random_tensor(input, {shape.tokens, shape.in});
  const Tensor weight = random_tensor(dtype, {shape.out, shape.in});
  const Tensor y(DType::kF32, {shape.tokens, shape.out});
  run(state, table.linear, {x.view(), weight.view(), {}, y.view()}, lanes);
  state.counters["flop/s"] = rate(2.0 * static_cast<double>(shape.tokens * shape.in * shape.out));
  state.counters["weight B/s"] = rate(static_cast<double>(weight.view().bytes()));
}

template <typename Body, typename Shape>
void add(const std::string& name, const Body& body, IsaLevel level, DType dtype, const Shape& shape) {
  for (const int lanes : {1, usable_cpus()}) {
    const std::string full = name + "/" + std::string(name_of(level)) + "/" + std::string(name_of(dtype)) +
                             "/lanes:" + std::to_string(lanes);
    benchmark::RegisterBenchmark(full.c_str(),
                                 [=](benchmark::State& state) { body(state, level, dtype, shape, lanes); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    if (usable_cpus() == 1) return;
  }
}

void add_quantized(const std::string& shape_name, const LinearShape& shape, IsaLevel level) {
  const RowQuant rows = {ActivationQuant::kPerToken};
  const std::pair<const char*, QuantizedFormat> formats[] = {
      {"W8A8", {{8, 0, false}, rows, DType::kF32, DType::kI8}},
      {"W4A8", {{4, 128, false}, rows, DType::kF32, DType::kI8}},
      {"W8A8-sparse", {{8, 0, false}, rows, DType::kF32, DType::kI8, shape.in / 2}},
      {"W8A16", {{8, 0, false}, {}, DType::kF32, DType::kBF16}},
      {"W4A16-128", {{4, 128, false}, {}, DType::kF16, DType::kBF16}},
      {"W4A16-32", {{4, 32, false}, {}, DType::kF16, DType::kBF16}},
      {"W4A16-32-asymmetric", {{4, 32, true}, {}, DType::kF16, DType::kBF16}},
      {"Q4_K", {{4, 32, false, true, 256}, {}, DType::kF16, DType::kBF16}},
      {"Q6_K", {{8, 16, false, false, 256}, {}, DType::kF16, DType::kBF16}},
      {"W8A16-fp32", {{8, 0, false}, {}, DType::kF32, DType::kF32}},
      {"W4A16-128-fp32", {{4, 128, false}, {}, DType::kF16, DType::kF32}}};
  for (const auto& [name, format] : formats) {
    const auto body = [format = format](benchmark::State& state, IsaLevel at, DType /*order*/,
                                        const LinearShape& size,
                                        int lanes) { quantized_linear(state, at, format, size, lanes); };
    add(std::string(name) + "/" + shape_name, body, level, format.order, shape);
  }
}

/// Registers every case. Levels above the portable one only: the reference kernels are not meant to be fast.
bool add_all() {
  for (const IsaLevel level : available_levels(cpu_features())) {
    if (level == IsaLevel::kPortable) continue;
    for (const int64_t tokens : {1, 4, 16, 64, 512})
      add_quantized(std::to_string(tokens) + "x2048x32000", {tokens, 2048, 32000}, level);
    add_quantized("512x2048x5632", {512, 2048, 5632}, level);
    add_quantized("512x5632x2048", {512, 5632, 2048}, level);
    add("quantize_rows/512x2048", quantize_rows, level, DType::kF32, LinearShape{512, 2048, 0});
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const int64_t tokens : {1, 4, 16, 64, 512}) {
        add("packed/" + std::to_string(tokens) + "x2048x32000", packed_linear, level, dtype,
            LinearShape{tokens, 2048, 32000});
      }
      add("packed/512x2048x5632", packed_linear, level, dtype, LinearShape{512, 2048, 5632});
      add("packed/512x5632x2048", packed_linear, level, dtype, LinearShape{512, 5632, 2048});
      for (const int64_t tokens : {1, 8, 512}) {
        add("linear/" + std::to_string(tokens) + "x2048x5632", linear, level, dtype,
            LinearShape{tokens, 2048, 5632});
      }
      // 262 MB of weights in fp32: no cache holds them.
      add("linear/1x2048x32000", linear, level, dtype, LinearShape{1, 2048, 32000});
    }
  }
  return true;
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
