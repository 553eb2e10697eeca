// The config of a model in a GGUF file, from the file's metadata.
// Thread safety: a pure function.
#pragma once

#include "checkpoint/gguf/container.h"
#include "models/config.h"

namespace caravan {

/// Throws Error, naming `source` and the key, on anything missing, out of range, contradictory or
/// unsupported. What metadata leaves out follows from the tensors: embeddings are tied where there is no
/// output.weight, layers have biases where the first has, and rope_freqs.weight divides the rotary
/// frequencies (`data` are the bytes that header.data_start points to). A token is an end of sequence if a
/// key says so (eos, eot, eom) or, as for llama.cpp, a control token has one of the usual texts.
ModelConfig config_of_gguf(const GgufHeader& header, std::span<const std::byte> data,
                           const std::string& source);

}  // namespace caravan
