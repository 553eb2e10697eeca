// The routing of tokens to experts, in mixtures of experts (Shazeer et al., 2017, arXiv:1701.06538; with a
// softmax over all experts and then the largest: Fedus et al., 2021, arXiv:2101.03961; Mixtral: Jiang et al.,
// 2024, arXiv:2401.04088), and the grouping of rows by expert (Lepikhin et al., 2020, arXiv:2006.16668).
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// experts[t, :] are the `chosen` experts of the largest logits[t, :], from the largest down; of equal ones
/// the lower index comes first. weights[t, :] are their shares of softmax(logits[t, :]), or where they are
/// renormalised of the softmax over the chosen alone, computed in double and rounded once. A padding token
/// has the experts -1 and the weights 0. Logits that are NaN choose some experts all the same.
struct RouteExpertsArgs {
  ConstTensorView logits;     ///< fp32 [tokens, experts]
  ConstTensorView sequences;  ///< int32 [tokens]; -1 for padding
  bool renormalize = false;
  TensorView experts;  ///< int32 [tokens, chosen], 1 <= chosen <= experts
  TensorView weights;  ///< fp32 [tokens, chosen]
};

void check(const RouteExpertsArgs& args);
/// Always fp32.
inline DType key_dtype(const RouteExpertsArgs& args) { return args.logits.dtype; }

/// The rows that experts compute lie expert by expert, those of one in the order of the tokens: expert e has
/// the rows offsets[e] to offsets[e + 1] - 1, row r is that of token rows[r], and places[t, j] is the row of
/// token t and its expert number j, -1 where experts[t, j] is. Rows after the last expert's (as many as there
/// are -1) mean nothing; their token is 0.
struct GroupRowsArgs {
  ConstTensorView experts;  ///< int32 [tokens, chosen], each -1 or an expert
  TensorView offsets;       ///< int32 [experts + 1]
  TensorView rows;          ///< int32 [tokens * chosen]
  TensorView places;        ///< int32 [tokens, chosen]
};

void check(const GroupRowsArgs& args);
/// Always int32.
inline DType key_dtype(const GroupRowsArgs& args) { return args.experts.dtype; }

}  // namespace caravan
