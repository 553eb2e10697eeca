// The end of a mixture of experts: what the experts of each token made of it, weighed and added (Jiang et
// al., 2024, arXiv:2401.04088), with an expert that computes every token where there is one (Qwen2-MoE: Yang
// et al., 2024, arXiv:2407.10671).
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// y[t, :] = residual[t, :] + (sum over j of weights[t, j] * grouped[places[t, j], :]
///           + sigmoid(shared_gate[t]) * shared[t, :]),
/// summed in that order, j from 0 up, so that a row does not depend on the others. What has no place (-1)
/// adds nothing.
struct CombineExpertsArgs {
  ConstTensorView residual;     ///< fp32 [tokens, hidden]
  ConstTensorView grouped;      ///< fp32 [tokens * chosen, hidden]
  ConstTensorView weights;      ///< fp32 [tokens, chosen]
  ConstTensorView places;       ///< int32 [tokens, chosen], as GroupRowsArgs makes them
  ConstTensorView shared;       ///< fp32 [tokens, hidden], or data == nullptr for none
  ConstTensorView shared_gate;  ///< fp32 [tokens, 1] where there is a shared one: its logit
  TensorView y;                 ///< fp32 [tokens, hidden]; may be residual itself
};

void check(const CombineExpertsArgs& args);
/// Always fp32.
inline DType key_dtype(const CombineExpertsArgs& args) { return args.y.dtype; }

}  // namespace caravan
