#include "serve/api/plain_parameters.h"

#include <algorithm>
#include <limits>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

constexpr int64_t kMostInt32 = std::numeric_limits<int32_t>::max();
constexpr double kMost = std::numeric_limits<double>::max();
constexpr int64_t kLastPriority = 5;
constexpr int64_t kMostSeconds = 65535;

/// Sets how tokens are chosen; whether they are drawn.
bool read_sampling(const Fields& fields, bool zero_is_greedy, SamplingParams& sampling) {
  const auto temperature = zero_is_greedy ? fields.number("temperature", 0.0, kMost)
                                          : positive_field(fields, "temperature", kMost);
  const auto top_k = fields.integer("top_k", 0, kMostInt32);
  const auto top_p = positive_field(fields, "top_p", 1.0);
  const auto typical_p = positive_field(fields, "typical_p", 1.0);
  sampling.top_k = top_k.value_or(0);
  sampling.top_p = top_p.value_or(1.0);
  sampling.typical_p = typical_p.value_or(1.0);
  sampling.repetition_penalty = positive_field(fields, "repetition_penalty", kMost).value_or(1.0);
  const bool any = temperature || top_k || top_p || typical_p;
  const bool sampled = fields.boolean("do_sample").value_or(any) && temperature.value_or(1.0) != 0.0;
  sampling.temperature = sampled ? temperature.value_or(1.0) : 0.0;
  const auto seed = fields.integer("seed", 0, std::numeric_limits<int64_t>::max());
  if (sampled) sampling.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
  // What a greedy request gives and does not use must still be right.
  SamplingParams given = sampling;
  given.temperature = temperature.value_or(1.0);
  require_sampling(given);
  return sampled;
}

}  // namespace

PlainParameters read_plain_parameters(const Fields& fields, const ModelView& model, bool zero_is_greedy,
                                      Generation& generation) {
  PlainParameters parameters;
  parameters.sampled = read_sampling(fields, zero_is_greedy, generation.sampling);
  refuse_watermark(fields);
  const int64_t asked = fields.integer("max_new_tokens", 1, kMostInt32).value_or(kPlainMaxNewTokens);
  generation.max_output = std::min(asked, room_after(model, generation.prompt.size()));
  // 5 is MindIE's default and comes last; 0 is everybody else's.
  generation.priority = fields.integer("priority", 1, kLastPriority).value_or(kLastPriority) - kLastPriority;
  const auto timeout = fields.integer("timeout", 1, kMostSeconds);
  if (timeout) generation.timeout_seconds = static_cast<double>(*timeout);
  parameters.details = fields.boolean("details").value_or(false);
  return parameters;
}

}  // namespace caravan::serve
