#include "sampling/params.h"

#include <algorithm>

#include "base/error.h"

namespace caravan {

std::string field_name(std::string_view field) { return std::string(field); }

std::string flag_name(std::string_view field) {
  std::string name = "--" + std::string(field);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void check_ranges(const SamplingParams& params, const FieldNaming& name) {
  const auto check = [&name](std::string_view field, double value, double low, double high) {
    if (value >= low && value <= high) return;
    fail(name(field), ": found ", value, ", expected a number from ", low, " to ", high);
  };
  // Above 100 every token is as likely as any other: such a value is a mistake.
  check("temperature", params.temperature, 0.0, 100.0);
  check("top_p", params.top_p, 0.0, 1.0);
  check("min_p", params.min_p, 0.0, 1.0);
  check("typical_p", params.typical_p, 0.0, 1.0);
  check("repetition_penalty", params.repetition_penalty, 0.01, 100.0);
  check("presence_penalty", params.presence_penalty, -2.0, 2.0);
  check("frequency_penalty", params.frequency_penalty, -2.0, 2.0);
  if (params.top_k < 0) fail(name("top_k"), ": found ", params.top_k, ", expected 0 (all tokens) or more");
  for (const auto& [token, bias] : params.logit_bias) {
    if (bias >= -100.0F && bias <= 100.0F) continue;
    fail(name("logit_bias"), ": token ", token, " has ", bias, ", expected a number from -100 to 100");
  }
}

}  // namespace caravan
