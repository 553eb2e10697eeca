// Embedding: the rows of a table, one for each token id.
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// y[t, :] = table[ids[t], :], widened to fp32. An id outside 0 .. vocab - 1 is a bug of the caller, which
/// checks what users send; the row of a padding token (id -1) is zero.
struct EmbeddingArgs {
  ConstTensorView ids;    ///< int32 [tokens]
  ConstTensorView table;  ///< fp32, fp16 or bf16 [vocab, hidden]
  TensorView y;           ///< fp32 [tokens, hidden]
};

/// Aborts, naming the tensor, if a shape or dtype is not as above. Every op has one.
void check(const EmbeddingArgs& args);
/// The dtype by which the kernel table chooses a kernel: the table's.
inline DType key_dtype(const EmbeddingArgs& args) { return args.table.dtype; }

}  // namespace caravan
