// How matrices and rows are quantised: the schemes, and where quantised numbers lie in memory.
//
// A quantised weight [out, in] stands for scale[o, g] * (q[o, i] - zero[o, g]) with g = i / group, where q
// and zero are signed: -128 .. 127 for 8 bits, -8 .. 7 for 4. (Formats that store 0 .. 15 store q + 8.)
//
// With minimums in place of zero points (WeightQuant::minimums), as GGUF has them, it stands for
// scale[o, g] * u[o, i] - minimum[o, g], in one fused fp32 step, where u is q + 8 for 4 bits, and for 8 q
// itself, which is 0 .. 127 then. Where the groups of a block share a scale (WeightQuant::block), as those of
// GGUF's K-quants do, scale[o, g] is that of the block times an int8, in fp32, and minimum[o, g] the minimum
// of the block times another: of K-quants these products are exact.
//
// In memory it is a blob of bytes [panels, groups, chunk], like an ordinary weight in panels
// (tensor/panels.h) of 64 outputs, but each chunk, one group of inputs (or one block of groups) of one panel,
// begins with what its numbers mean:
//
//     scales     [64] of QuantizedFormat::scale
//     minimums   [64] of the same, where there are minimums
//     zeros      [64] int8, where there are zero points
//     multiples  [groups, 64] int8 of scales, then as many of minimums (if any), where the chunk is a block
//     sums       [64] int32: the sum of all q of an output, for inputs that are quantised too
//     values     [inputs / step, 64, step] in the order of panels of QuantizedFormat::order
//
// each part filled up to whole cache lines, so that a kernel streams a chunk from its first byte to its last.
// Values of 4 bits are stored as q + 8, those of each step in 16 * step words of 16 bits: word j has values
// j, 16 * step + j, 32 * step + j and 48 * step + j from its lowest 4 bits on, so that a shift and a table
// turn it into numbers in the order of the panel. What lies beyond `out` has scale and minimum 0; what lies
// beyond `in` is the zero point, so that both stand for 0. (With minimums the latter is 0, which no product
// may count.)
//
// Where most values are 0 a chunk may keep the others only (QuantizedFormat::row_kept): instead of `values`
//
//     masks    [group / step, 4] uint64: bit i of each is set where value i of 64 that follow each other, in
//              the order above, is kept
//     kept     [capacity] int8: those values one after the other, of all masks in turn
//
// with one capacity for all chunks, so that a panel begins where a multiple of its size says. Only within a
// panel kept values can be found by counting alone.
//
// Weights of 4 bits whose inputs are quantised too (W4A8) are lifted to int8 on their way: a panel is one
// chunk of all groups, and a value q stands for scale[o] * lifted(factor[o, g], q). After scales (fp32) and
// sums (of lifted values) it has for each group in turn
//
//     factors  [64] uint8: 0 .. 127, the group's scale in 127ths of the output's largest
//     values   [group / step, 64, step], those of each step in 64 words: words 0 to 31 have bytes 0 to 7 of
//              each 16 that follow each other in the order above, words 32 to 63 have bytes 8 to 15; nibble n
//              of each, from the lowest on, belongs to the n-th 64 values of the step. So packing 16-bit
//              numbers to bytes, which vectors do by 128 bits, gives the order of the panel.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "tensor/panels.h"

namespace caravan {

/// What a matmul multiplies a quantised weight with.
enum class ActivationQuant : uint8_t {
  kNone,       ///< the activations as they are: W8A16, W4A16
  kPerToken,   ///< uint8 with a scale and a zero point for each token, from its smallest and largest value
  kSymmetric,  ///< the same, the zero point always being the middle of the range
  kStatic,     ///< uint8 with one scale and zero point for all tokens, from a calibration
};

/// How the rows of a matmul's input are quantised.
struct RowQuant {
  ActivationQuant mode = ActivationQuant::kNone;
  float scale = 0.0F;  ///< kStatic: of all rows
  int32_t zero = 0;    ///< kStatic: of all rows, 0 .. 255
  bool operator==(const RowQuant&) const = default;
};

/// How a weight's numbers are stored.
struct WeightQuant {
  int bits = 8;              ///< 8 or 4
  int64_t group = 0;         ///< inputs of an output that share a scale; 0: all of them
  bool zero_points = false;  ///< otherwise every zero is 0
  bool minimums = false;     ///< instead of zero points
  int64_t block = 0;         ///< inputs of a block: whole groups of whole steps of any order; 0: no blocks
  bool operator==(const WeightQuant&) const = default;
};

/// A quantised weight in memory.
struct QuantizedFormat {
  WeightQuant weight;
  /// Of what it is multiplied with; not kNone for 8 bits by whole outputs or 4 bits only, without zero
  /// points.
  RowQuant rows;
  DType scale = DType::kF32;  ///< fp32, fp16 or bf16
  /// How values are ordered and what they are multiplied as: fp32, fp16 or bf16 (rounded to it, once), or
  /// int8 where rows are quantised.
  DType order = DType::kF32;
  /// 0: every value is stored; else only those that are not 0 are, of which no output has more than so many.
  /// For one group of 8 bits without zero points, whose rows are quantised too.
  int64_t row_kept = 0;
  bool operator==(const QuantizedFormat&) const = default;
};

/// Whether weights of 4 bits are lifted to int8, because what they are multiplied with is quantised.
constexpr bool is_lifted(const QuantizedFormat& format) {
  return format.weight.bits == 4 && format.rows.mode != ActivationQuant::kNone;
}
/// Whether a weight so quantised can be multiplied with quantised rows: 8 bits by whole outputs, or 4 bits in
/// groups of whole steps of a panel; without zero points, minimums or blocks.
constexpr bool takes_quantized_rows(const WeightQuant& weight) {
  if (weight.zero_points || weight.minimums || weight.block != 0) return false;
  return weight.bits == 8 ? weight.group == 0 : weight.group % panel_step(DType::kI8) == 0;
}
/// The factor of the group that has an output's largest scale: the largest whose products fit int8.
constexpr int32_t kLargestFactor = 127;
/// What a factor counts in: the weight's scale is the largest group's over kLargestFactor, times this.
constexpr int32_t kFactorUnit = 8;
/// factor * q / 8, ties upward: -127 .. 111 for q from -8 to 7.
constexpr int32_t lifted(int32_t factor, int32_t q) {
  return (factor * q + kFactorUnit / 2) >> 3;  // rounds down, of negative numbers too
}

/// What the group of a block is a multiple of, so that groups are whole steps of every order.
constexpr int64_t kBlockedGroup = 4;
/// Values that share a mask: a vector of bytes.
constexpr int64_t kMaskedValues = 64;
/// Bytes that a kernel may read from the last kept value on, because it loads whole vectors.
constexpr int64_t kKeptSlack = kMaskedValues;

/// Where the parts of one chunk begin, in bytes from its start.
struct ChunkLayout {
  int64_t inputs = 0;  ///< that it has room for: a group's or a block's, up to whole steps
  int64_t minimums = 0;
  int64_t zeros = 0;
  int64_t multiples = 0;
  int64_t minimum_multiples = 0;
  int64_t sums = 0;
  int64_t masks = 0;        ///< the same as values where every value is stored
  int64_t values = 0;       ///< or kept ones; of a lifted weight the first group's factors
  int64_t capacity = 0;     ///< of kept values
  int64_t group_bytes = 0;  ///< of a lifted weight: from one group's factors to the next's
  int64_t bytes = 0;        ///< of the whole chunk
};

/// How many groups the inputs of an output are divided into. A group divides them.
inline int64_t groups_of(const WeightQuant& weight, int64_t in) {
  return weight.group == 0 ? 1 : in / weight.group;
}

/// How many chunks they lie in: a block's groups are in one.
inline int64_t chunks_of(const WeightQuant& weight, int64_t in) {
  return weight.block == 0 ? groups_of(weight, in) : in / weight.block;
}

inline int64_t chunks_of(const QuantizedFormat& format, int64_t in) {
  return is_lifted(format) ? 1 : chunks_of(format.weight, in);
}

/// How many groups of an output a chunk holds.
inline int64_t groups_of_chunk(const WeightQuant& weight) {
  return weight.block == 0 ? 1 : weight.block / weight.group;
}

/// The zero point of every number of a weight with minimums: u = q - zero.
constexpr int32_t unsigned_zero(const WeightQuant& weight) { return weight.bits == 4 ? -8 : 0; }

/// Up to whole cache lines.
constexpr int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

inline ChunkLayout chunk_layout(const QuantizedFormat& format, int64_t in) {
  const int64_t step = panel_step(format.order);
  const int64_t width = in / chunks_of(format.weight, in);
  ChunkLayout layout;
  layout.inputs = (width + step - 1) / step * step;
  layout.minimums = whole_lines(kPanelOutputs * static_cast<int64_t>(size_of(format.scale)));
  layout.zeros = format.weight.minimums ? 2 * layout.minimums : layout.minimums;
  layout.multiples = layout.zeros + (format.weight.zero_points ? kPanelOutputs : 0);
  const int64_t multiples = format.weight.block == 0 ? 0 : groups_of_chunk(format.weight) * kPanelOutputs;
  layout.minimum_multiples = layout.multiples + multiples;
  layout.sums = layout.minimum_multiples + (format.weight.minimums ? multiples : 0);
  const bool has_sums = format.rows.mode != ActivationQuant::kNone;
  layout.masks = layout.sums + (has_sums ? kPanelOutputs * 4 : 0);
  const int64_t values = layout.inputs * kPanelOutputs;
  if (is_lifted(format)) {
    layout.values = layout.masks;
    layout.group_bytes = kPanelOutputs + values / 2;
    layout.bytes = layout.values + groups_of(format.weight, in) * layout.group_bytes;
    return layout;
  }
  if (format.row_kept == 0) {
    layout.values = layout.masks;
    layout.bytes = layout.values + whole_lines(values * format.weight.bits / 8);
    return layout;
  }
  layout.values = layout.masks + whole_lines(values / 8);
  layout.capacity = kPanelOutputs * format.row_kept;
  layout.bytes = layout.values + layout.capacity + kKeptSlack;
  return layout;
}

/// Whether `format` may keep only what is not 0.
constexpr bool can_be_sparse(const QuantizedFormat& format) {
  return format.rows.mode != ActivationQuant::kNone && format.weight == WeightQuant{};
}

/// Whether a matrix whose outputs have up to `row_kept` (more than 0) values that are not 0 takes fewer bytes
/// where it keeps only those.
inline bool sparse_saves(QuantizedFormat format, int64_t in, int64_t row_kept) {
  format.row_kept = 0;
  const int64_t dense = chunk_layout(format, in).bytes;
  format.row_kept = row_kept;
  return can_be_sparse(format) && chunk_layout(format, in).bytes < dense;
}

/// The format of matrices of these formats that become one; nothing where they cannot. What only one of them
/// has sparse has every value stored.
inline std::optional<QuantizedFormat> common_format(const QuantizedFormat& a, QuantizedFormat b) {
  QuantizedFormat common = a;
  common.row_kept = a.row_kept == 0 || b.row_kept == 0 ? 0 : std::max(a.row_kept, b.row_kept);
  b.row_kept = common.row_kept;
  return common == b ? std::optional(common) : std::nullopt;
}

/// The dtype that the blob's tensor has, by which kernels are chosen: int8 where rows are quantised too, else
/// uint8.
constexpr DType blob_dtype(const QuantizedFormat& format) {
  return format.rows.mode == ActivationQuant::kNone ? DType::kU8 : DType::kI8;
}

/// The shape of a quantised [out, in] weight: [panels, chunks, bytes of a chunk].
inline Shape quantized_shape(int64_t out, int64_t in, const QuantizedFormat& format) {
  const WeightQuant& weight = format.weight;
  CARAVAN_CHECK(weight.group == 0 || in % weight.group == 0);
  CARAVAN_CHECK(weight.block == 0 || (weight.group % kBlockedGroup == 0 && weight.group > 0 &&
                                      weight.block % weight.group == 0 && in % weight.block == 0));
  CARAVAN_CHECK(!weight.minimums || !weight.zero_points);
  return {(out + kPanelOutputs - 1) / kPanelOutputs, chunks_of(format, in), chunk_layout(format, in).bytes};
}

/// Of value [output, input] of a chunk, both counted within it (inputs on through the groups of a block): its
/// place in the chunk's order.
inline int64_t chunk_place(const QuantizedFormat& format, int64_t output, int64_t input) {
  const int64_t step = panel_step(format.order);
  return (input / step * kPanelOutputs + output) * step + input % step;
}

/// Where a value of 4 bits is.
struct NibblePlace {
  int64_t byte;
  bool upper;  ///< in the byte's upper half
};

/// Of the value at `place` of a chunk of 4 bits, or of a group of a lifted weight.
constexpr NibblePlace nibble_place(const QuantizedFormat& format, int64_t place) {
  const int64_t words = kPanelOutputs / 4 * panel_step(format.order);
  const int64_t quarter = place / words;
  int64_t word = place % words;
  if (is_lifted(format)) word = word % 16 / 8 * 32 + word / 16 * 8 + word % 8;
  return {(quarter / 4 * words + word) * 2 + quarter % 4 / 2, quarter % 2 == 1};
}

/// A quantised row of `width` activations, as a row of a uint8 tensor: the values, up to whole cache lines,
/// then RowMeaning, and the rest of its line. A value v stands for scale * (v - zero).
struct RowMeaning {
  float scale = 0.0F;
  int32_t zero = 0;  ///< 0 .. 255
};
constexpr int64_t quantized_row_bytes(int64_t width) { return whole_lines(width) + 64; }
/// Where a row's RowMeaning lies, in bytes from the row's start.
constexpr int64_t row_meaning_offset(int64_t width) { return whole_lines(width); }

/// The largest number of inputs whose sum of products of a uint8 and an int8 cannot leave an int32.
constexpr int64_t kMaxQuantizedInputs = 65536;

}  // namespace caravan
