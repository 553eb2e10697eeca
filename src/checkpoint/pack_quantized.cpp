#include "checkpoint/pack_quantized.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "checkpoint/pack.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// The numbers of one panel's 64 outputs; of an output that there is not: scale 0.
struct PanelNumbers {
  WeightQuant quant;
  int64_t in;
  int64_t groups;  ///< groups_of() the weight
  int64_t chunks;  ///< chunks_of() it
  // What the weight does not have is all 0.
  std::vector<int8_t> values;             ///< [64, in]
  std::vector<float> scales;              ///< [64, chunks]
  std::vector<float> minimums;            ///< [64, chunks]
  std::vector<int8_t> zeros;              ///< [64, groups]
  std::vector<int8_t> multiples;          ///< [64, groups]
  std::vector<int8_t> minimum_multiples;  ///< [64, groups]

  PanelNumbers(const WeightQuant& weight, int64_t inputs)
      : quant(weight),
        in(inputs),
        groups(groups_of(weight, inputs)),
        chunks(chunks_of(weight, inputs)),
        values(static_cast<size_t>(kPanelOutputs * in)),
        scales(static_cast<size_t>(kPanelOutputs * chunks)),
        minimums(scales.size()),
        zeros(static_cast<size_t>(kPanelOutputs * groups)),
        multiples(zeros.size()),
        minimum_multiples(zeros.size()) {}

  /// Where the numbers of the outputs from `place` on go.
  QuantizedRows rows_at(int64_t place) {
    const auto if_there = [](bool there, auto* at) { return there ? at : nullptr; };
    const bool blocks = quant.block != 0;
    return {values.data() + place * in,
            scales.data() + place * chunks,
            if_there(quant.zero_points, zeros.data() + place * groups),
            if_there(quant.minimums, minimums.data() + place * chunks),
            if_there(blocks, multiples.data() + place * groups),
            if_there(blocks && quant.minimums, minimum_multiples.data() + place * groups)};
  }
};

void store_scale(float scale, DType dtype, std::byte* to) {
  const auto put = [to](const auto& value) { std::memcpy(to, &value, sizeof value); };
  switch (dtype) {
    case DType::kF16:
      return put(to_half(scale));
    case DType::kBF16:
      return put(to_bfloat16(scale));
    default:
      return put(scale);
  }
}

/// Puts the values of one output, [inputs], where `format` has them in a chunk whose values lie at `to`.
void store_values(const int8_t* row, int64_t inputs, int64_t output, const QuantizedFormat& format,
                  std::byte* to) {
  const int64_t step = panel_step(format.order);
  for (int64_t i = 0; i < inputs; i += step) {
    const int64_t place = i * kPanelOutputs + output * step;
    for (int64_t j = 0; j < step; ++j) {
      if (format.weight.bits == 8) {
        to[place + j] = static_cast<std::byte>(row[i + j]);
        continue;
      }
      const auto number = static_cast<unsigned>(row[i + j] + 8);
      const NibblePlace nibble = nibble_place(format, place + j);
      to[nibble.byte] |= static_cast<std::byte>(nibble.upper ? number << 4U : number);
    }
  }
}

/// Keeps of `values`, in the order of a chunk, those that are not 0.
void keep_values(const std::vector<std::byte>& values, const ChunkLayout& layout, std::byte* chunk) {
  int64_t kept = 0;
  for (size_t begin = 0; begin < values.size(); begin += kMaskedValues) {
    uint64_t mask = 0;
    for (size_t i = 0; i < kMaskedValues; ++i) {
      if (values[begin + i] == std::byte{0}) continue;
      mask |= uint64_t{1} << i;
      CARAVAN_CHECK(kept < layout.capacity);
      chunk[layout.values + kept++] = values[begin + i];
    }
    std::memcpy(chunk + layout.masks + begin / 8, &mask, sizeof mask);
  }
}

/// What an output's scales become where its weight is lifted.
struct Lift {
  float scale = 0.0F;            ///< of the lifted values
  std::vector<uint8_t> factors;  ///< [groups]
};

Lift lift_of(const float* scales, int64_t groups) {
  Lift lift;
  const float largest = *std::max_element(scales, scales + groups);
  lift.scale = largest * static_cast<float>(kFactorUnit) / static_cast<float>(kLargestFactor);
  for (int64_t group = 0; group < groups; ++group) {
    const float share = largest > 0.0F ? scales[group] / largest : 0.0F;
    lift.factors.push_back(static_cast<uint8_t>(std::nearbyint(share * static_cast<float>(kLargestFactor))));
  }
  return lift;
}

/// Writes a panel of a lifted weight to `chunk`, whose bytes are all 0.
void pack_lifted(const PanelNumbers& numbers, const QuantizedFormat& format, std::byte* chunk) {
  const int64_t in = numbers.in;
  const int64_t groups = numbers.groups;
  const ChunkLayout layout = chunk_layout(format, in);
  const int64_t width = in / groups;
  std::vector<int8_t> row(static_cast<size_t>(layout.inputs));  // a group of one output, up to whole steps
  for (int64_t o = 0; o < kPanelOutputs; ++o) {
    const Lift lift = lift_of(numbers.scales.data() + o * groups, groups);
    store_scale(lift.scale, format.scale, chunk + o * static_cast<int64_t>(size_of(format.scale)));
    int32_t sum = 0;
    for (int64_t group = 0; group < groups; ++group) {
      const uint8_t factor = lift.factors[static_cast<size_t>(group)];
      std::byte* to = chunk + layout.values + group * layout.group_bytes;
      to[o] = static_cast<std::byte>(factor);
      std::copy_n(numbers.values.data() + o * in + group * width, width, row.begin());
      store_values(row.data(), layout.inputs, o, format, to + kPanelOutputs);
      for (const int8_t value : row) sum += lifted(factor, value);
    }
    std::memcpy(chunk + layout.sums + o * 4, &sum, sizeof sum);
  }
}

/// Writes what the groups of chunk `index` are multiples of its scales and minimums by.
void store_multiples(const PanelNumbers& numbers, int64_t index, const ChunkLayout& layout,
                     std::byte* chunk) {
  const int64_t count = groups_of_chunk(numbers.quant);
  for (int64_t group = 0; group < count; ++group) {
    for (int64_t o = 0; o < kPanelOutputs; ++o) {
      const auto at = static_cast<size_t>(o * numbers.groups + index * count + group);
      const int64_t to = group * kPanelOutputs + o;
      chunk[layout.multiples + to] = static_cast<std::byte>(numbers.multiples[at]);
      if (numbers.quant.minimums)
        chunk[layout.minimum_multiples + to] = static_cast<std::byte>(numbers.minimum_multiples[at]);
    }
  }
}

/// Writes chunk `index` of a panel to `chunk`, whose bytes are all 0.
void pack_chunk(const PanelNumbers& numbers, int64_t index, const QuantizedFormat& format, std::byte* chunk) {
  const int64_t in = numbers.in;
  const ChunkLayout layout = chunk_layout(format, in);
  const int64_t width = in / numbers.chunks;
  const auto scale_bytes = static_cast<int64_t>(size_of(format.scale));
  std::vector<int8_t> row(static_cast<size_t>(layout.inputs));  // a chunk of one output, up to whole steps
  const bool sparse = format.row_kept != 0;
  std::vector<std::byte> all(sparse ? row.size() * kPanelOutputs : 0);  // of a sparse chunk, in its order
  for (int64_t o = 0; o < kPanelOutputs; ++o) {
    const auto at = static_cast<size_t>(o * numbers.chunks + index);
    store_scale(numbers.scales[at], format.scale, chunk + o * scale_bytes);
    if (format.weight.minimums)
      store_scale(numbers.minimums[at], format.scale, chunk + layout.minimums + o * scale_bytes);
    const int8_t zero = format.weight.zero_points ? numbers.zeros[at] : int8_t{0};
    if (format.weight.zero_points) chunk[layout.zeros + o] = static_cast<std::byte>(zero);
    const int8_t* values = numbers.values.data() + o * in + index * width;
    std::copy_n(values, width, row.begin());
    std::fill(row.begin() + width, row.end(), zero);
    store_values(row.data(), layout.inputs, o, format, sparse ? all.data() : chunk + layout.values);
    const int32_t sum = std::accumulate(row.begin(), row.end(), 0);
    if (layout.sums != layout.masks) std::memcpy(chunk + layout.sums + o * 4, &sum, sizeof sum);
  }
  if (sparse) keep_values(all, layout, chunk);
  if (format.weight.block != 0) store_multiples(numbers, index, layout, chunk);
}

}  // namespace

void pack_quantized(const std::vector<int64_t>& source_rows, bool interleaved, int64_t in,
                    const QuantizedFormat& format, const ReadQuantized& read, const TensorView& blob) {
  const std::vector<std::vector<PackedRows>> plan = rows_of_panels(source_rows, interleaved);
  CARAVAN_CHECK_EQ(static_cast<int64_t>(plan.size()), blob.shape[0]);
  const int64_t chunk_count = blob.shape[1];
  const int64_t chunk_bytes = blob.shape[2];
  for_each_in_parallel(plan.size(), [&](size_t panel) {
    PanelNumbers numbers(format.weight, in);
    for (const PackedRows& part : plan[panel])
      read(part.source, part.first, part.count, numbers.rows_at(part.place));
    auto* chunks =
        static_cast<std::byte*>(blob.data) + static_cast<int64_t>(panel) * chunk_count * chunk_bytes;
    if (is_lifted(format)) return pack_lifted(numbers, format, chunks);
    for (int64_t chunk = 0; chunk < chunk_count; ++chunk)
      pack_chunk(numbers, chunk, format, chunks + chunk * chunk_bytes);
  });
}

}  // namespace caravan
