// The tensors of a GGUF file as the weights of a LLaMA-family model or a mixture of experts: under Hugging
// Face's names. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf/model_file.h"
#include "checkpoint/stored_weight.h"

namespace caravan {

/// "model.layers.3.mlp.up_proj.weight" of "blk.3.ffn_up.weight"; a name that is none of llama.cpp's for a
/// model of the architecture is left as it is, as that of a stack of experts is.
std::string hugging_face_name(std::string_view gguf_name, GgufArchitecture architecture);

/// All tensors of `gguf`, which must outlive them. Those of q and k are marked as permuted where llama.cpp's
/// converter does that for its own rope. A stack of all experts' matrices, [experts, out, in], becomes a
/// weight for each expert. Throws Error, naming file and key, where the number of heads is missing or does
/// not divide a tensor's rows, or a stack has not as many matrices as there are experts.
std::vector<StoredWeight> weights_of(const GgufFile& gguf);

}  // namespace caravan
