// Finds the quantised matrices among the tensors of a checkpoint, in every format that Caravan reads.
//
// A tensor that belongs to no matrix that was found is left to whoever checks that all were used. Thread
// safety: pure functions. What is found reads the mapped files, which must outlive it.
#pragma once

#include <map>

#include "checkpoint/matrix_parts.h"
#include "checkpoint/quantized/config.h"

namespace caravan {

/// By the name of the matrix, as Hugging Face has it: "model.layers.0.mlp.up_proj.weight".
using FoundWeights = std::map<std::string, FoundWeight>;

/// The matrices that `config` says are quantised. Throws Error, naming file and tensor, on one that is stored
/// in another way, a part that is missing or of a wrong type or shape, an order of inputs of their own, a
/// size that a group does not divide, and a scale of activations that is none. Scales and zero points of
/// weights are checked as they are read.
FoundWeights find_quantized(const QuantizationConfig& config, const StoredTensors& tensors);

/// The matrices of a GGUF file that are stored in blocks (checkpoint/gguf/blocks.h), with the numbers, scales
/// and minimums of these. A scale may be negative: in Q4_0 it has the sign of the group's largest number.
FoundWeights find_quantized_blocks(const StoredTensors& tensors);

/// The stored scales of one attention's keys and values: one, or one for each KV head.
struct StoredKvScales {
  std::vector<float> keys;
  std::vector<float> values;
  std::vector<std::string> parts;
};

/// By the name of the attention: "model.layers.0.self_attn". Empty where `config` has no static KV cache.
/// Throws Error, naming file and tensor, on a scale that is missing, of a wrong type or shape, or not
/// positive.
std::map<std::string, StoredKvScales> find_kv_scales(const QuantizationConfig& config,
                                                     const StoredTensors& tensors);

}  // namespace caravan
