#include "kernels/quantized_cases.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "kernels/select.h"

namespace caravan::test {

namespace {

/// Element `index` of an array of `dtype` at `to`.
void store_number(void* to, DType dtype, int64_t index, float value) {
  const auto size = static_cast<int64_t>(size_of(dtype));
  convert_elements(&value, DType::kF32, static_cast<char*>(to) + index * size, dtype, 1);
}

float rounded_to(DType dtype, float value) {
  float result = 0.0F;
  char bytes[4] = {};
  store_number(bytes, dtype, 0, value);
  convert_elements(bytes, dtype, &result, DType::kF32, 1);
  return result;
}

/// Writes one output's part of one chunk.
void pack_output(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o, int64_t c,
                 uint8_t* chunk) {
  const ChunkLayout layout = chunk_layout(format, matrix.in);
  const int64_t chunks = chunks_of(format.weight, matrix.in);
  const int64_t width = matrix.in / chunks;
  const int64_t column = o % kPanelOutputs;
  const bool exists = o < matrix.out;
  const auto at = static_cast<size_t>(o * chunks + c);
  const int32_t zero = exists && format.weight.zero_points ? matrix.zeros[at] : 0;
  store_number(chunk, format.scale, column, exists ? matrix.scales[at] : 0.0F);
  if (format.weight.minimums)
    store_number(chunk + layout.minimums, format.scale, column, exists ? matrix.minimums[at] : 0.0F);
  const int64_t groups = format.weight.block == 0 ? 0 : groups_of_chunk(format.weight);
  for (int64_t g = 0; g < groups && exists; ++g) {
    const size_t group = at * static_cast<size_t>(groups) + static_cast<size_t>(g);
    const int64_t to = g * kPanelOutputs + column;
    chunk[layout.multiples + to] = static_cast<uint8_t>(matrix.multiples[group]);
    if (format.weight.minimums)
      chunk[layout.minimum_multiples + to] = static_cast<uint8_t>(matrix.minimum_multiples[group]);
  }
  if (format.weight.zero_points) chunk[layout.zeros + column] = static_cast<uint8_t>(zero);
  int32_t sum = 0;
  for (int64_t i = 0; i < layout.inputs; ++i) {
    const bool inside = exists && i < width;
    const int32_t value = inside ? matrix.values[static_cast<size_t>(o * matrix.in + c * width + i)] : zero;
    sum += value;
    const int64_t place = chunk_place(format, column, i);
    uint8_t* values = chunk + layout.values;
    if (format.weight.bits == 8) {
      values[place] = static_cast<uint8_t>(value);
    } else {
      const NibblePlace nibble = nibble_place(format, place);
      values[nibble.byte] |= static_cast<uint8_t>((value + 8) * (nibble.upper ? 16 : 1));
    }
  }
  if (format.rows.mode != ActivationQuant::kNone)
    std::memcpy(chunk + layout.sums + column * 4, &sum, sizeof sum);
}

/// Writes one output's part of a panel of a lifted weight.
void pack_lifted_output(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o,
                        uint8_t* chunk) {
  const ChunkLayout layout = chunk_layout(format, matrix.in);
  const int64_t group = matrix.in / groups_of(format.weight, matrix.in);
  const int64_t column = o % kPanelOutputs;
  const bool exists = o < matrix.out;
  store_number(chunk, DType::kF32, column, exists ? lifted_scale(matrix, format, o) : 0.0F);
  int32_t sum = 0;
  for (int64_t g = 0; g < matrix.in / group; ++g) {
    uint8_t* factors = chunk + layout.values + g * layout.group_bytes;
    const int32_t factor = exists ? lifted_factor(matrix, format, o, g * group) : 0;
    factors[column] = static_cast<uint8_t>(factor);
    for (int64_t i = 0; i < layout.inputs; ++i) {
      const bool inside = exists && i < group;
      const int32_t value = inside ? matrix.values[static_cast<size_t>(o * matrix.in + g * group + i)] : 0;
      sum += lifted(factor, value);
      const NibblePlace nibble = nibble_place(format, chunk_place(format, column, i));
      factors[kPanelOutputs + nibble.byte] |= static_cast<uint8_t>((value + 8) * (nibble.upper ? 16 : 1));
    }
  }
  std::memcpy(chunk + layout.sums + column * 4, &sum, sizeof sum);
}

/// Writes a chunk of `format`, which is sparse, from the same with every value stored.
void drop_zeros(const uint8_t* all, const ChunkLayout& from, const ChunkLayout& to, uint8_t* chunk) {
  std::memcpy(chunk, all, static_cast<size_t>(to.masks));
  int64_t kept = 0;
  for (int64_t place = 0; place < from.inputs * kPanelOutputs; ++place) {
    const uint8_t value = all[from.values + place];
    if (value == 0) continue;
    // Bit `place % 64` of a little-endian uint64.
    chunk[to.masks + place / 8] |= static_cast<uint8_t>(1U << (place % 8));
    chunk[to.values + kept++] = value;
  }
}

/// Leaves in each output at most `kept` values that are not 0: as many, or any smaller number.
void thin_out(QuantizedMatrix& matrix, int64_t kept, std::mt19937& random) {
  for (int64_t o = 0; o < matrix.out; ++o) {
    std::uniform_int_distribution<int64_t> any(0, kept);
    const auto row = matrix.values.begin() + o * matrix.in;
    std::vector<int64_t> order(static_cast<size_t>(matrix.in));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (int64_t i = o % 2 == 0 ? kept : any(random); i < matrix.in; ++i)
      row[order[static_cast<size_t>(i)]] = 0;
  }
}

int64_t rows_for(int64_t out, Epilogue epilogue) {
  return epilogue == Epilogue::kSiluMul ? (out + kInterleave - 1) / kInterleave * kPanelOutputs : out;
}

Tensor random_input(const QuantizedFormat& format, int64_t tokens, int64_t in, std::mt19937& random) {
  if (format.rows.mode == ActivationQuant::kNone)
    return random_tensor(format.order == DType::kBF16 ? DType::kBF16 : DType::kF32, {tokens, in}, random);
  const Tensor exact = random_tensor(DType::kF32, {tokens, in}, random);
  Tensor rows(DType::kU8, {tokens, quantized_row_bytes(in)});
  const KernelTable table = select_kernels(IsaLevel::kPortable);
  run_lanes(table.quantize_rows, {exact.view(), format.rows, rows.view()}, 1);
  return rows;
}

/// Numbers of groups and chunks beside the scales and zero points.
void draw_blocks(QuantizedMatrix& matrix, const QuantizedFormat& format, std::mt19937& random) {
  const WeightQuant& weight = format.weight;
  constexpr int32_t kMost = 63;  // of 6 bits
  std::uniform_int_distribution<int32_t> multiple(-kMost, kMost);
  std::uniform_int_distribution<int32_t> minimum_multiple(0, kMost);
  std::uniform_real_distribution<float> size(0.0F, 0.5F);
  const int64_t groups = matrix.out * groups_of(weight, matrix.in);
  for (int64_t i = 0; i < groups; ++i) {
    matrix.multiples.push_back(weight.block == 0 ? 1 : multiple(random));
    matrix.minimum_multiples.push_back(weight.block == 0 ? 1 : minimum_multiple(random));
  }
  for (float& scale : matrix.scales) {
    if (weight.block != 0) scale = rounded_to(format.scale, scale / kMost);
    matrix.minimums.push_back(
        weight.minimums ? rounded_to(format.scale, size(random) / (weight.block == 0 ? 1.0F : kMost)) : 0.0F);
  }
}

}  // namespace

float lifted_scale(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o) {
  const int64_t groups = groups_of(format.weight, matrix.in);
  const auto first = matrix.scales.begin() + o * groups;
  return *std::max_element(first, first + groups) * 8.0F / 127.0F;
}

int32_t lifted_factor(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o, int64_t i) {
  const int64_t groups = groups_of(format.weight, matrix.in);
  const auto first = matrix.scales.begin() + o * groups;
  const float largest = *std::max_element(first, first + groups);
  const float scale = first[i / (matrix.in / groups)];
  return largest == 0.0F ? 0 : static_cast<int32_t>(std::nearbyint(scale / largest * 127.0F));
}

std::vector<QuantizedFormat> block_formats(DType order) {
  const auto format = [order](const WeightQuant& weight, DType scale) {
    return QuantizedFormat{weight, {}, scale, order};
  };
  return {format({.bits = 4, .group = 32, .minimums = true}, DType::kF16),                // Q4_1
          format({.bits = 8, .group = 32, .minimums = true}, DType::kF16),                // Q5_1
          format({.bits = 4, .group = 32, .minimums = true, .block = 256}, DType::kF16),  // Q4_K
          format({.bits = 8, .group = 32, .minimums = true, .block = 256}, DType::kF16),  // Q5_K
          format({.bits = 8, .group = 16, .block = 256}, DType::kF16),                    // Q6_K
          format({.bits = 4, .group = 0, .minimums = true}, DType::kF32),
          format({.bits = 8, .group = 5, .minimums = true}, DType::kBF16),
          format({.bits = 4, .group = 264, .minimums = true}, DType::kF16),
          format({.bits = 4, .group = 4, .minimums = true, .block = 4}, DType::kBF16),
          format({.bits = 4, .group = 20, .block = 60}, DType::kF32),
          format({.bits = 8, .group = 288, .minimums = true, .block = 576}, DType::kF32)};
}

int64_t some_inputs(const QuantizedFormat& format) {
  if (format.weight.block != 0) return 3 * format.weight.block;
  return format.weight.group == 0 ? 131 : 5 * format.weight.group;
}

QuantizedMatrix random_matrix(const QuantizedFormat& format, int64_t out, int64_t in, std::mt19937& random) {
  const int64_t groups = groups_of(format.weight, in);
  const int64_t chunks = chunks_of(format.weight, in);
  const int32_t least = format.weight.bits == 8 ? -128 : -8;
  // With minimums numbers of 8 bits have no sign.
  std::uniform_int_distribution<int32_t> value(format.weight.minimums && least == -128 ? 0 : least,
                                               -least - 1);
  // So that weights are of size 1 / 4 or so, as those of the other tests, whatever the number of bits.
  std::uniform_real_distribution<float> size(0.1F / static_cast<float>(-least),
                                             0.8F / static_cast<float>(-least));
  QuantizedMatrix matrix = {out, in, {}, {}, {}, {}, {}, {}};
  for (int64_t i = 0; i < out * in; ++i) matrix.values.push_back(value(random));
  for (int64_t i = 0; i < out * groups; ++i) {
    if (i < out * chunks) matrix.scales.push_back(rounded_to(format.scale, size(random)));
    matrix.zeros.push_back(format.weight.zero_points ? value(random) : 0);
  }
  draw_blocks(matrix, format, random);
  if (format.row_kept != 0) thin_out(matrix, std::min(format.row_kept, in), random);
  return matrix;
}

Tensor packed(const QuantizedMatrix& matrix, const QuantizedFormat& format) {
  const Shape shape = quantized_shape(matrix.out, matrix.in, format);
  Tensor blob(blob_dtype(format), shape);
  auto* chunk = static_cast<uint8_t*>(blob.view().data);
  if (format.row_kept != 0) {
    const QuantizedFormat dense = with_zeros(format);
    const Tensor all = packed(matrix, dense);
    for (int64_t panel = 0; panel < shape[0]; ++panel) {
      drop_zeros(all.as<uint8_t>() + panel * all.shape()[2], chunk_layout(dense, matrix.in),
                 chunk_layout(format, matrix.in), chunk + panel * shape[2]);
    }
    return blob;
  }
  for (int64_t panel = 0; panel < shape[0]; ++panel) {
    for (int64_t g = 0; g < shape[1]; ++g, chunk += shape[2]) {
      for (int64_t o = panel * kPanelOutputs; o < (panel + 1) * kPanelOutputs; ++o) {
        if (is_lifted(format)) {
          pack_lifted_output(matrix, format, o, chunk);
        } else {
          pack_output(matrix, format, o, g, chunk);
        }
      }
    }
  }
  return blob;
}

Tensor expanded(const QuantizedMatrix& matrix, const QuantizedFormat& format) {
  Tensor panels(format.order, panel_shape(matrix.out, matrix.in, format.order));
  const int64_t groups = groups_of(format.weight, matrix.in);
  const int64_t chunks = chunks_of(format.weight, matrix.in);
  for (int64_t o = 0; o < matrix.out; ++o) {
    for (int64_t i = 0; i < matrix.in; ++i) {
      const auto group = static_cast<size_t>(o * groups + i / (matrix.in / groups));
      const auto chunk = static_cast<size_t>(o * chunks + i / (matrix.in / chunks));
      const int32_t value = matrix.values[static_cast<size_t>(o * matrix.in + i)];
      const float scale = matrix.scales[chunk] * static_cast<float>(matrix.multiples[group]);
      const float minimum = matrix.minimums[chunk] * static_cast<float>(matrix.minimum_multiples[group]);
      const float number = format.weight.minimums && format.weight.bits == 4
                               ? static_cast<float>(value + 8)
                               : static_cast<float>(value - matrix.zeros[group]);
      store_number(panels.view().data, format.order, panel_offset(panels.shape(), o, i),
                   format.weight.minimums ? std::fma(scale, number, -minimum) : scale * number);
    }
  }
  return panels;
}

std::string name_of(const QuantizedFormat& format) {
  const bool rows = format.rows.mode != ActivationQuant::kNone;
  std::string name = "W" + std::to_string(format.weight.bits) + (rows ? "A8" : "A16") + " group " +
                     std::to_string(format.weight.group) + (format.weight.zero_points ? " asymmetric" : "") +
                     (format.weight.minimums ? " minimums" : "");
  if (format.weight.block != 0) name += " block " + std::to_string(format.weight.block);
  if (format.row_kept != 0) name += " sparse " + std::to_string(format.row_kept);
  return name + ", " + std::string(caravan::name_of(format.scale)) + " scales, " +
         std::string(caravan::name_of(format.order)) + " panels";
}

QuantizedCase::QuantizedCase(const QuantizedFormat& of, int64_t tokens, int64_t in, int64_t out,
                             Epilogue after, unsigned seed)
    : format(of), epilogue(after), has_bias(seed % 2 == 0) {
  std::mt19937 random(seed);
  const int64_t rows = rows_for(out, epilogue);
  matrix = random_matrix(format, rows, in, random);
  x = random_input(format, tokens, in, random);
  weight = packed(matrix, format);
  if (format.rows.mode == ActivationQuant::kNone) panels = expanded(matrix, format);
  bias = random_tensor(DType::kF32, {rows}, random);
  residual = random_tensor(DType::kF32, {tokens, out}, random);
  const bool bf16 = epilogue == Epilogue::kSiluMul && format.order == DType::kBF16;
  y = Tensor(bf16 ? DType::kBF16 : DType::kF32, {tokens, out});
}

PackedLinearArgs QuantizedCase::args() {
  return {x.view(),
          weight.view(),
          has_bias ? ConstTensorView(bias.view()) : ConstTensorView(),
          residual.view(),
          y.view(),
          epilogue,
          {},
          format,
          matrix.in};
}

RowQuant rows_by_turns(unsigned seed) {
  const RowQuant rows[] = {
      {ActivationQuant::kPerToken}, {ActivationQuant::kSymmetric}, {ActivationQuant::kStatic, 0.023F, 101}};
  return rows[seed % 3];
}

QuantizedFormat with_zeros(QuantizedFormat format) {
  format.row_kept = 0;
  return format;
}

PackedLinearArgs QuantizedCase::expanded_args() {
  PackedLinearArgs result = args();
  result.weight = panels.view();
  result.format = {};
  result.in = 0;
  return result;
}

}  // namespace caravan::test
