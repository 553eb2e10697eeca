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
  DType dtype = DType::kF32;
  int64_t panels = 0;
  int64_t in = 0;
  size_t range = 0;  ///< into kTokenRanges

  bool operator==(const TileKey& other) const = default;
  bool operator<(const TileKey& other) const {
    return std::tie(dtype, panels, in, range) < std::tie(other.dtype, other.panels, other.in, other.range);
  }
};

inline TileKey tile_key(const PackedLinearArgs& args) {
  return {args.weight.dtype, args.weight.shape[0], args.x.shape[1], range_of(args.x.shape[0])};
}

/// The tiles that were found best; what is not in it is left to the kernels.
using TileTable = std::map<TileKey, MatmulTiles>;

}  // namespace caravan
