// Grouped linear: the matmuls of all experts of a mixture, each over the rows that were routed to it (grouped
// matmul: Gale et al., 2022, arXiv:2211.15841).
#pragma once

#include "ops/packed_linear.h"

namespace caravan {

/// What packed linear does, for each expert e with its part of the weight and the rows offsets[e] to
/// offsets[e + 1] - 1 of x and y. Only the weights of experts that have rows are read. Numerics: as
/// PackedLinearArgs, so that a row's value does not depend on what else is routed where. Rows of no expert
/// are neither read nor written.
struct GroupedLinearArgs {
  ConstTensorView x;  ///< [rows, …], as PackedLinearArgs::x
  /// As PackedLinearArgs::weight of each expert, one after the other: [experts * panels, …].
  ConstTensorView weight;
  ConstTensorView offsets;              ///< int32 [experts + 1], as GroupRowsArgs makes them
  TensorView y;                         ///< [rows, width], as PackedLinearArgs::y
  Epilogue epilogue = Epilogue::kNone;  ///< or kSiluMul
  QuantizedFormat format = {};          ///< of a quantised weight
  int64_t in = 0;                       ///< inputs of a quantised weight
};

inline int64_t experts_of(const GroupedLinearArgs& args) { return args.offsets.shape[0] - 1; }

/// The packed linear of `count` rows from `first` on, with the weight of `expert`.
inline PackedLinearArgs linear_of_expert(const GroupedLinearArgs& args, int64_t expert, int64_t first,
                                         int64_t count) {
  const int64_t panels = args.weight.shape[0] / experts_of(args);
  PackedLinearArgs linear;
  linear.x = outer_part(args.x, first, count);
  linear.weight = outer_part(args.weight, expert * panels, panels);
  linear.y = outer_part(args.y, first, count);
  linear.epilogue = args.epilogue;
  linear.format = args.format;
  linear.in = args.in;
  return linear;
}

/// The packed linear of all rows of `expert`.
inline PackedLinearArgs linear_of_expert(const GroupedLinearArgs& args, int64_t expert) {
  const int32_t* offsets = args.offsets.as<int32_t>() + expert;
  return linear_of_expert(args, expert, offsets[0], offsets[1] - offsets[0]);
}

void check(const GroupedLinearArgs& args);
/// The weight's dtype.
inline DType key_dtype(const GroupedLinearArgs& args) { return args.weight.dtype; }

}  // namespace caravan
