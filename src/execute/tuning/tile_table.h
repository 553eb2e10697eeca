// How each matmul of a model is cut, by its shape and by how many tokens a step has.
// Thread safety: value types.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <tuple>

#include "ops/packed_linear.h"

namespace caravan {

/// Steps are tuned for ranges of tokens, so that no number of tokens is without tiles: the most tokens of
/// each range.
constexpr std::array<int64_t, 4> kTokenRanges = {4, 16, 64, INT64_MAX};

/// The index into kTokenRanges of a step of `tokens`.
constexpr size_t range_of(int64_t tokens) {
  size_t range = 0;
  while (tokens > kTokenRanges.at(range)) ++range;
  return range;
}

/// A matmul, as far as its tiles go.
struct TileKey {
  DType dtype = DType::kF32;  ///< of the weight: uint8 or int8 where it is quantised
  int64_t panels = 0;
  int64_t in = 0;
  size_t range = 0;  ///< into kTokenRanges
  // Of a quantised weight; its scales' dtype, zero points, minimums and blocks change no choice.
  DType order = DType::kF32;  ///< QuantizedFormat::order
  int bits = 0;               ///< 0: not quantised
  int64_t group = 0;          ///< WeightQuant::group

  bool operator==(const TileKey& other) const = default;
  bool operator<(const TileKey& other) const {
    return std::tie(dtype, panels, in, range, order, bits, group) <
           std::tie(other.dtype, other.panels, other.in, other.range, other.order, other.bits, other.group);
  }
};

/// The key of a weight of `dtype` in `panels` panels; `in` and `format` are of a quantised one, `width` is
/// that of the input's rows.
inline TileKey tile_key(DType dtype, int64_t panels, int64_t width, size_t range, int64_t in,
                        const QuantizedFormat& format) {
  if (is_floating(dtype)) return {dtype, panels, width, range};
  return {dtype, panels, in, range, format.order, format.weight.bits, format.weight.group};
}

inline TileKey tile_key(const PackedLinearArgs& args) {
  return tile_key(args.weight.dtype, args.weight.shape[0], args.x.shape[1], range_of(args.x.shape[0]),
                  args.in, args.format);
}

/// The tiles that were found best; what is not in it is left to the kernels.
using TileTable = std::map<TileKey, MatmulTiles>;

}  // namespace caravan
