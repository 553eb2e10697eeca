#include "serve/api/shared_fields.h"

#include <algorithm>
#include <limits>
#include <random>
#include <sstream>

namespace caravan::serve {

void invalid(const std::string& message, const std::string& field) {
  throw RequestError({FailureKind::kInvalid, message, field, ""});
}

void require_sampling(const SamplingParams& params) {
  try {
    check_ranges(params);
  } catch (const Error& error) {
    // It names a flag, "--top-p: found …", where a request has a field, "top_p".
    const std::string message = error.what();
    const size_t colon = message.find(':');
    if (!message.starts_with("--") || colon == std::string::npos) invalid(message, "");
    std::string field = message.substr(2, colon - 2);
    std::replace(field.begin(), field.end(), '-', '_');
    invalid("\"" + field + "\"" + message.substr(colon), field);
  }
}

uint64_t random_seed() {
  std::random_device entropy;
  return (uint64_t{entropy()} << 32U | entropy()) >> 11U;
}

std::optional<double> positive_field(const Fields& fields, const std::string& name, double high) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const std::optional<double> value = fields.number(name, -kMost, kMost);
  if (!value || (*value > 0.0 && *value <= high)) return value;
  if (high == kMost) fields.wrong(name, "a number above 0");
  std::ostringstream expected;
  expected << "a number above 0, at most " << high;
  fields.wrong(name, expected.str());
}

std::optional<uint64_t> seed_field(const Fields& fields, const std::string& name) {
  const Json* value = fields.find(name);
  if (value != nullptr && value->is_number_unsigned()) return value->get<uint64_t>();
  const auto number = fields.integer(name, 0, std::numeric_limits<int64_t>::max());
  if (!number) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::vector<std::string> strings_field(const Fields& fields, const std::string& name) {
  const Json* value = fields.find(name);
  if (value == nullptr) return {};
  const std::string expected = "a string or a list of strings, none empty";
  const auto text_of = [&](const Json& entry) {
    if (!entry.is_string() || entry.get_ref<const std::string&>().empty()) fields.wrong(name, expected);
    return entry.get<std::string>();
  };
  if (!value->is_array()) return {text_of(*value)};
  std::vector<std::string> strings;
  strings.reserve(value->size());
  for (const Json& entry : *value) strings.push_back(text_of(entry));
  return strings;
}

std::vector<int32_t> ids_field(const Fields& fields, const std::string& name, const ModelView& model) {
  const Json* list = fields.array(name);
  if (list == nullptr) return {};
  std::vector<int32_t> ids;
  ids.reserve(list->size());
  const int64_t last = model.vocab_size - 1;
  for (const Json& entry : *list) {
    const bool fits = entry.is_number_unsigned() && entry.get<uint64_t>() <= static_cast<uint64_t>(last);
    if (!fits) {
      wrong_field(fields.path_of(name), "a list with " + describe(entry),
                  "token ids from 0 to " + std::to_string(last));
    }
    ids.push_back(entry.get<int32_t>());
  }
  return ids;
}

void read_vllm_fields(const Fields& fields, const ModelView& model, Generation& generation) {
  constexpr double kMost = std::numeric_limits<double>::max();
  generation.stop_strings = strings_field(fields, "stop");
  generation.stop_tokens = ids_field(fields, "stop_token_ids", model);
  generation.include_stop_string = fields.boolean("include_stop_str_in_output").value_or(false);
  generation.ignore_eos = fields.boolean("ignore_eos").value_or(false);
  generation.min_output = fields.integer("min_tokens", 0, model.max_context).value_or(0);
  generation.skip_special_tokens = fields.boolean("skip_special_tokens").value_or(true);
  SamplingParams& sampling = generation.sampling;
  sampling.min_p = fields.number("min_p", 0.0, 1.0).value_or(0.0);
  sampling.repetition_penalty = positive_field(fields, "repetition_penalty", kMost).value_or(1.0);
  sampling.presence_penalty = fields.number("presence_penalty", -2.0, 2.0).value_or(0.0);
  sampling.frequency_penalty = fields.number("frequency_penalty", -2.0, 2.0).value_or(0.0);
}

void require_min_output(const Generation& generation, int64_t max_tokens) {
  if (generation.min_output <= max_tokens) return;
  invalid("\"min_tokens\" is " + std::to_string(generation.min_output) +
              ", expected at most the greatest number of tokens, which is " + std::to_string(max_tokens),
          "min_tokens");
}

void refuse_watermark(const Fields& fields) {
  if (!fields.boolean("watermark").value_or(false)) return;
  const std::string path = fields.path_of("watermark");
  invalid("\"" + path + "\" is true, expected false: this server puts no watermark into its texts", path);
}

std::string_view finish_word(Ending ending) {
  switch (ending) {
    case Ending::kStopToken:
      return "eos_token";
    case Ending::kStopString:
      return "stop_sequence";
    case Ending::kTimeout:
      return "timeout";
    case Ending::kLength:
      break;
  }
  return "length";
}

}  // namespace caravan::serve
