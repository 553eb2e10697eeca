#include "serve/tgi/parameters.h"

#include <limits>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"
#include "serve/tgi/grammar.h"

namespace caravan::serve {

namespace {

constexpr double kMost = std::numeric_limits<double>::max();
constexpr int64_t kMostUint32 = std::numeric_limits<uint32_t>::max();

[[noreturn]] void refuse(const std::string& name, const std::string& rest) {
  invalid("`" + name + "` " + rest, "parameters." + name);
}

/// A probability that TGI wants strictly between 0 and 1.
std::optional<double> open_unit(const Fields& fields, const std::string& name) {
  const auto value = fields.number(name, -kMost, kMost);
  if (value && (*value <= 0.0 || *value >= 1.0)) refuse(name, "must be > 0.0 and < 1.0");
  return value;
}

std::optional<double> strictly_positive(const Fields& fields, const std::string& name) {
  const auto value = fields.number(name, -kMost, kMost);
  if (value && *value <= 0.0) refuse(name, "must be strictly positive");
  return value;
}

int64_t read_best_of(const Fields& fields, const ModelView& model, const TgiForm& form) {
  const int64_t best_of = fields.integer("best_of", 0, kMostUint32).value_or(1);
  if (best_of != 1 && form.stream) refuse("best_of", "!= 1 is not supported when streaming tokens");
  if (best_of != 1 && model.max_choices == 1) refuse("best_of", "!= 1 is not allowed for this endpoint");
  if (best_of < 1 || best_of > model.max_choices) {
    refuse("best_of",
           "must be > 0 and <= " + std::to_string(model.max_choices) + ". Given: " + std::to_string(best_of));
  }
  return best_of;
}

void read_sampling(const Fields& fields, TgiRequest& request) {
  SamplingParams& sampling = request.generation.sampling;
  const auto do_sample = fields.boolean("do_sample");
  const auto temperature = strictly_positive(fields, "temperature");
  const auto top_k =
      fields.integer("top_k", std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
  const auto top_p = open_unit(fields, "top_p");
  const auto typical_p = open_unit(fields, "typical_p");
  const bool asks = do_sample.value_or(false) || temperature || top_k || top_p || typical_p;
  if (request.generation.candidates > 1 && !asks) {
    invalid("you must use sampling when `best_of` is > 1", "parameters.best_of");
  }
  sampling.repetition_penalty = strictly_positive(fields, "repetition_penalty").value_or(1.0);
  sampling.frequency_penalty = fields.number("frequency_penalty", -kMost, kMost).value_or(0.0);
  if (std::abs(sampling.frequency_penalty) > 2.0) refuse("frequency_penalty", "must be >= -2.0 and <= 2.0");
  if (top_k && *top_k <= 0) refuse("top_k", "must be strictly positive");
  sampling.top_k = top_k.value_or(0);
  sampling.top_p = top_p.value_or(1.0);
  sampling.typical_p = typical_p.value_or(1.0);
  sampling.temperature = temperature.value_or(1.0);
  require_sampling(sampling);
  // As in TGI's NextTokenChooser: what changes the distribution asks for drawing, and temperature 1 does not.
  request.sampled = do_sample.value_or(false) || sampling.temperature != 1.0 || top_k || top_p || typical_p;
  if (!request.sampled) sampling.temperature = 0.0;
}

void read_seed(const Fields& fields, TgiRequest& request) {
  const auto seed = seed_field(fields, "seed");
  if (seed && request.generation.candidates > 1) {
    refuse("seed", "must not be set when `best_of` > 1");
  }
  if (request.sampled) request.generation.sampling.seed = seed ? *seed : random_seed();
}

void read_stops(const Fields& fields, Generation& generation) {
  const Json* stop = fields.array("stop");
  if (stop == nullptr) return;
  if (static_cast<int64_t>(stop->size()) > kTgiMaxStopSequences) {
    refuse("stop", "supports up to " + std::to_string(kTgiMaxStopSequences) +
                       " stop sequences. Given: " + std::to_string(stop->size()));
  }
  generation.stop_strings = strings_field(fields, "stop");
  // TGI's generated text is that of all its tokens, those of the stop sequence too.
  generation.include_stop_string = true;
}

void read_details(const Fields& fields, const TgiForm& form, TgiRequest& request) {
  const bool prefill = fields.boolean("decoder_input_details").value_or(false);
  if (prefill && form.stream) {
    refuse("decoder_input_details", "== true is not supported when streaming tokens");
  }
  if (prefill) request.generation.prompt_logprobs = 0;
  request.details = fields.boolean("details").value_or(false) || prefill;
  const int64_t top_tokens = fields.integer("top_n_tokens", 0, kMostUint32).value_or(0);
  if (top_tokens > kTgiMaxTopTokens) {
    refuse("top_n_tokens", "must be >= 0 and <= " + std::to_string(kTgiMaxTopTokens) +
                               ". Given: " + std::to_string(top_tokens));
  }
  request.top_tokens = top_tokens > 0;
  if (request.details || form.stream) request.generation.top_logprobs = top_tokens;
}

void read_adapter(const Fields& fields) {
  const auto adapter = fields.string("adapter_id");
  // MindIE's documents show "None" for the model itself.
  if (!adapter || *adapter == "None") return;
  refuse("adapter_id", "is " + describe(Json(*adapter)) + ", and this server has no adapters");
}

/// The prompt, cut to its last tokens where asked, and how many tokens may follow it.
void read_prompt(const Fields& body, const Fields& fields, const ModelView& model, Generation& generation) {
  const auto inputs = body.string("inputs");
  if (!inputs) body.wrong("inputs", "a string");
  if (inputs->empty()) invalid("`inputs` cannot be empty", "inputs");
  const int64_t max_input = model.max_context - 1;
  const auto truncate = fields.integer("truncate", 0, std::numeric_limits<int64_t>::max());
  if (truncate && (*truncate == 0 || *truncate > max_input)) {
    refuse("truncate", "must be strictly positive and less than " + std::to_string(max_input) +
                           ". Given: " + std::to_string(*truncate));
  }
  const bool add_special = body.boolean("add_special_tokens").value_or(true);
  std::vector<int32_t> ids = encode_text(model, *inputs, add_special, "inputs");
  if (truncate && *truncate < static_cast<int64_t>(ids.size())) ids.erase(ids.begin(), ids.end() - *truncate);
  const auto length = static_cast<int64_t>(ids.size());
  const auto asked = fields.integer("max_new_tokens", 0, kMostUint32);
  if (asked && *asked == 0) refuse("max_new_tokens", "must be strictly positive");
  if (length > max_input) {
    invalid("`inputs` must have less than " + std::to_string(max_input) +
                " tokens. Given: " + std::to_string(length),
            "inputs");
  }
  if (asked && length + *asked > model.max_context) {
    invalid("`inputs` tokens + `max_new_tokens` must be <= " + std::to_string(model.max_context) +
                ". Given: " + std::to_string(length) + " `inputs` tokens and " + std::to_string(*asked) +
                " `max_new_tokens`",
            "parameters.max_new_tokens");
  }
  check_prompt(model, ids, "inputs");
  generation.prompt = std::move(ids);
  generation.prompt_text = *inputs;
  generation.max_output = asked.value_or(model.max_context - length);
}

}  // namespace

TgiRequest read_tgi_request(const Json& body, const ModelView& model, const TgiForm& form) {
  const Fields fields(body);
  const Json none = Json::object();
  const Fields parameters = fields.object("parameters").value_or(Fields(none, "parameters"));
  TgiRequest request;
  Generation& generation = request.generation;
  generation.candidates = read_best_of(parameters, model, form);
  generation.choices = generation.candidates;
  generation.ranked = generation.candidates > 1;
  read_sampling(parameters, request);
  read_stops(parameters, generation);
  read_seed(parameters, request);
  read_details(parameters, form, request);
  refuse_watermark(parameters);
  read_adapter(parameters);
  read_prompt(fields, parameters, model, generation);
  if (const auto grammar = parameters.object("grammar")) {
    generation.guide = read_tgi_grammar(*grammar);
    generation.guide_field = "parameters.grammar";
  }
  if (parameters.boolean("return_full_text").value_or(form.full_text)) {
    request.text_before = generation.prompt_text;
  }
  return request;
}

}  // namespace caravan::serve
