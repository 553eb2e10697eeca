#include "cli/flags/sampling_flags.h"

#include <limits>
#include <random>

#include "base/error.h"

namespace caravan::cli {

namespace {

constexpr double kAny = std::numeric_limits<double>::max();

uint64_t fresh_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32U) | device();
}

}  // namespace

OptionGroup sampling_option_group() {
  return {"Sampling (defaults: the checkpoint's generation_config.json, else greedy)",
          {
              {"--temperature", "T", "0: greedy; 1: as the model says; higher: more varied"},
              {"--top-k", "K", "keep the K likeliest tokens; 0: all"},
              {"--top-p", "P", "keep the likeliest tokens whose probabilities reach P"},
              {"--min-p", "P", "drop tokens less likely than P times the likeliest"},
              {"--typical-p", "P", "keep the most typical tokens whose probabilities reach P"},
              {"--repetition-penalty", "R", "above 1: disfavour tokens seen in prompt or output"},
              {"--presence-penalty", "X", "-2 to 2: disfavour tokens that the output has"},
              {"--frequency-penalty", "X", "-2 to 2: the same, once for each time"},
              {"--seed", "N", "same seed, same text"},
              {"--stop", "TEXT", "end before this text; repeatable", true},
              {"--ignore-eos", "", "go on after the end-of-sequence token"},
          }};
}

SamplingFlags parse_sampling_flags(const Arguments& arguments, const GenerationConfig& recommended,
                                   const ModelConfig& config) {
  SamplingFlags flags;
  SamplingParams& params = flags.params;
  const GenerationConfig none;
  const GenerationConfig& defaults = recommended.do_sample ? recommended : none;
  params.temperature = recommended.do_sample ? defaults.temperature.value_or(1.0) : 0.0;
  params.temperature = arguments.number("--temperature", -kAny, kAny).value_or(params.temperature);
  params.top_k = arguments.integer("--top-k", INT32_MIN, INT32_MAX).value_or(defaults.top_k.value_or(0));
  params.top_p = arguments.number("--top-p", -kAny, kAny).value_or(defaults.top_p.value_or(1.0));
  params.min_p = arguments.number("--min-p", -kAny, kAny).value_or(defaults.min_p.value_or(0.0));
  params.typical_p = arguments.number("--typical-p", -kAny, kAny).value_or(defaults.typical_p.value_or(1.0));
  params.repetition_penalty = arguments.number("--repetition-penalty", -kAny, kAny)
                                  .value_or(recommended.repetition_penalty.value_or(1.0));
  params.presence_penalty = arguments.number("--presence-penalty", -kAny, kAny).value_or(0.0);
  params.frequency_penalty = arguments.number("--frequency-penalty", -kAny, kAny).value_or(0.0);
  const std::optional<int64_t> seed = arguments.integer("--seed", 0, INT64_MAX);
  params.seed = seed.has_value() ? static_cast<uint64_t>(*seed) : fresh_seed();
  check_ranges(params);

  flags.stop_strings = arguments.texts("--stop");
  for (const std::string& stop : flags.stop_strings) {
    if (stop.empty()) fail("--stop: is empty, expected the text to end before");
  }
  if (!arguments.is_on("--ignore-eos")) {
    flags.stop_tokens = recommended.eos_tokens.empty() ? config.eos_tokens : recommended.eos_tokens;
  }
  return flags;
}

}  // namespace caravan::cli
