// The flags that say how tokens are chosen and when a text ends.
// Thread safety: value types.
#pragma once

#include "cli/flags/options.h"
#include "models/config.h"
#include "models/generation_config.h"
#include "sampling/sampler.h"

namespace caravan::cli {

struct SamplingFlags {
  SamplingParams params;
  std::vector<int32_t> stop_tokens;       ///< the checkpoint's end-of-sequence tokens, unless --ignore-eos
  std::vector<std::string> stop_strings;  ///< --stop
};

OptionGroup sampling_option_group();

/// What the flags say, else what the checkpoint recommends, else the field's customs: greedy unless
/// generation_config.json asks for sampling, and then temperature 1 and no truncation. Without --seed every
/// run draws anew. Throws Error on a value out of range.
SamplingFlags parse_sampling_flags(const Arguments& arguments, const GenerationConfig& recommended,
                                   const ModelConfig& config);

}  // namespace caravan::cli
