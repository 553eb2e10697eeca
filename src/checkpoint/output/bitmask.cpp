#include "checkpoint/output/bitmask.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

#include "checkpoint/bitmask_values.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Numbers that one thread reads at a time, and how many such pieces are in memory together.
constexpr int64_t kPiece = int64_t{1} << 20U;
constexpr int64_t kPieces = 16;

/// Takes the outputs from `first` on: [count, in].
using TakeRows = std::function<void(int64_t first, int64_t count, const int8_t* values)>;

/// Hands out all outputs in order, a few megabytes at a time. scales: [out].
void for_rows(const QuantizedWeight& weight, std::vector<float>& scales, const TakeRows& take) {
  const int64_t at_once = std::max<int64_t>(1, kPiece / weight.in);
  std::vector<int8_t> values(static_cast<size_t>(std::min(weight.out, at_once * kPieces) * weight.in));
  for (int64_t begin = 0; begin < weight.out; begin += at_once * kPieces) {
    const int64_t rows = std::min(at_once * kPieces, weight.out - begin);
    for_each_in_parallel(static_cast<size_t>((rows + at_once - 1) / at_once), [&](size_t piece) {
      const int64_t first = static_cast<int64_t>(piece) * at_once;
      weight.read(begin + first, std::min(at_once, rows - first),
                  {values.data() + first * weight.in, scales.data() + begin + first, nullptr});
    });
    take(begin, rows, values.data());
  }
}

template <typename T>
void add(ShardWriter& shards, const std::string& name, DType dtype, const Shape& shape,
         const std::vector<T>& values) {
  shards.add({name, dtype, shape}, [&values](const ShardWriter::Sink& sink) {
    sink(std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  });
}

}  // namespace

bool Bitmask::saves(const QuantizedWeight& weight) const {
  const auto more = static_cast<int64_t>(bits.size() + offsets.size() * sizeof(int64_t));
  return kept > 0 && kept + more < weight.out * weight.in;
}

Bitmask bitmask_of(const QuantizedWeight& weight, std::vector<float>& scales) {
  CARAVAN_CHECK(weight.quant == WeightQuant{});
  const int64_t width = bitmask_bytes(weight.in);
  Bitmask bitmask;
  bitmask.bits.resize(static_cast<size_t>(weight.out * width));
  for_rows(weight, scales, [&](int64_t first, int64_t count, const int8_t* values) {
    for (int64_t row = 0; row < count; ++row) {
      bitmask.offsets.push_back(bitmask.kept);
      uint8_t* bits = bitmask.bits.data() + (first + row) * width;
      for (int64_t i = 0; i < weight.in; ++i) {
        if (values[row * weight.in + i] == 0) continue;
        bits[i / 8] |= static_cast<uint8_t>(1U << (i % 8));
        ++bitmask.kept;
      }
    }
  });
  return bitmask;
}

void write_without_zeros(ShardWriter& shards, const std::string& module, const QuantizedWeight& weight,
                         const Bitmask& bitmask) {
  const std::vector<int64_t> sizes = {weight.out, weight.in};
  add(shards, module + ".shape", DType::kI64, {2}, sizes);
  add(shards, module + ".row_offsets", DType::kI64, {weight.out}, bitmask.offsets);
  add(shards, module + ".bitmask", DType::kU8, {weight.out, bitmask_bytes(weight.in)}, bitmask.bits);
  shards.add({module + ".compressed", DType::kI8, {bitmask.kept}}, [&](const ShardWriter::Sink& sink) {
    std::vector<float> scales(static_cast<size_t>(weight.out));
    std::string kept;
    for_rows(weight, scales, [&](int64_t, int64_t count, const int8_t* values) {
      kept.resize(static_cast<size_t>(count * weight.in));
      const auto end = std::copy_if(values, values + count * weight.in, kept.begin(),
                                    [](int8_t value) { return value != 0; });
      sink(std::string_view(kept).substr(0, static_cast<size_t>(end - kept.begin())));
    });
  });
}

}  // namespace caravan
