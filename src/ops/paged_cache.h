// How an op finds a token's keys and values: blocks, and a table of them per sequence.
//
// Position p of sequence s lies in block b = block_table[s, p / block_size] at slot p % block_size, that is
// at cache[b, kv_head, slot, :]. A contiguous cache is the same thing with one block per sequence.
#pragma once

#include "tensor/view.h"

namespace caravan {

/// Where the tokens of a batch belong. A padding token has sequence -1: it is neither stored nor attended to.
struct TokenPlaces {
  ConstTensorView positions;    ///< int32 [tokens]
  ConstTensorView sequences;    ///< int32 [tokens]
  ConstTensorView block_table;  ///< int32 [sequences, blocks_per_sequence]
};

}  // namespace caravan
