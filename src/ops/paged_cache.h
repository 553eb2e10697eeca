// How an op finds a token's keys and values: blocks, and a table of them per sequence.
//
// Position p of sequence s lies in block b = block_table[s, p / block_size] at slot p % block_size, that is
// at cache[b, kv_head, slot, :], as tensor/kv_layout.h lays it out. A contiguous cache is the same thing with
// one block per sequence.
#pragma once

#include "tensor/kv_layout.h"

namespace caravan {

/// Where the tokens of a batch belong. A padding token has sequence -1: it is neither stored nor attended to.
struct TokenPlaces {
  ConstTensorView positions;    ///< int32 [tokens]
  ConstTensorView sequences;    ///< int32 [tokens]
  ConstTensorView block_table;  ///< int32 [sequences, blocks_per_sequence]
};

/// The scales that keys and values get in an int8 cache: given by the checkpoint, or, where there are none,
/// each row's own.
struct CacheScales {
  ConstTensorView k;  ///< fp32 [1] or [kv_heads], above zero; or none
  ConstTensorView v;  ///< likewise
};

/// The scale that `scales` gives head `head`; 0 where they are none.
inline float given_scale(const ConstTensorView& scales, int64_t head) {
  if (scales.data == nullptr) return 0.0F;
  return scales.as<float>()[scales.shape[0] == 1 ? 0 : head];
}

}  // namespace caravan
