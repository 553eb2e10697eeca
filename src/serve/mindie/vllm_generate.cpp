#include "serve/mindie/vllm_generate.h"

#include <algorithm>
#include <limits>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"
#include "serve/tgi/dialect.h"

namespace caravan::serve {

namespace {

constexpr int64_t kDefaultMaxTokens = 16;
constexpr int64_t kMostInt32 = std::numeric_limits<int32_t>::max();
constexpr double kMost = std::numeric_limits<double>::max();

void read_sampling(const Fields& fields, SamplingParams& sampling) {
  sampling.temperature = fields.number("temperature", 0.0, kMost).value_or(1.0);
  sampling.top_p = positive_field(fields, "top_p", 1.0).value_or(1.0);
  // vLLM writes "all" as -1.
  sampling.top_k = std::max<int64_t>(fields.integer("top_k", -1, kMostInt32).value_or(0), 0);
  const auto seed = seed_field(fields, "seed");
  if (sampling.temperature != 0.0) sampling.seed = seed ? *seed : random_seed();
  require_sampling(sampling);
}

void read_beams(const Fields& fields, Generation& generation) {
  generation.beam_search = fields.boolean("use_beam_search").value_or(false);
  const auto penalty = fields.number("length_penalty", -kMost, kMost);
  const auto early = fields.boolean("early_stopping");
  if (!generation.beam_search) {
    if (penalty.value_or(1.0) != 1.0) fields.wrong("length_penalty", "1 without \"use_beam_search\"");
    if (early.value_or(false)) fields.wrong("early_stopping", "false without \"use_beam_search\"");
    return;
  }
  if (generation.candidates < 2) invalid("\"use_beam_search\" needs a \"best_of\" of at least 2", "best_of");
  const SamplingParams& sampling = generation.sampling;
  if (sampling.temperature != 0.0) invalid("\"use_beam_search\" needs a \"temperature\" of 0", "temperature");
  if (sampling.top_p != 1.0) invalid("\"use_beam_search\" needs a \"top_p\" of 1", "top_p");
  if (sampling.top_k != 0) invalid("\"use_beam_search\" needs a \"top_k\" of -1", "top_k");
  generation.length_penalty = penalty.value_or(1.0);
  generation.early_stopping = early.value_or(false);
}

void read_choices(const Fields& fields, const ModelView& model, bool stream, Generation& generation) {
  const auto best_of = fields.integer("best_of", 1, model.max_choices);
  generation.choices = fields.integer("n", 1, model.max_choices).value_or(1);
  generation.candidates = best_of.value_or(generation.choices);
  if (generation.candidates < generation.choices) {
    invalid("\"best_of\" is " + std::to_string(generation.candidates) +
                ", expected at least \"n\", which is " + std::to_string(generation.choices),
            "best_of");
  }
  read_beams(fields, generation);
  if (generation.beam_search) {
    generation.ranked = true;
  } else if (generation.candidates > 1 && generation.sampling.temperature == 0.0) {
    invalid("\"best_of\" is " + std::to_string(generation.candidates) +
                ", expected 1 with a \"temperature\" of 0, which gives the same text each time",
            "best_of");
  }
  const bool chooses = generation.beam_search || generation.candidates > generation.choices;
  generation.ranked = chooses;
  if (stream && chooses) {
    invalid(
        "\"stream\" is true, expected false with \"use_beam_search\" or a \"best_of\" above \"n\": the best "
        "texts are known at the end only",
        "stream");
  }
}

void refuse_other_model(const Fields& fields, const ModelView& model) {
  const auto name = fields.string("model");
  // MindIE's documents show "None" for the model itself.
  if (!name || *name == model.name || *name == "None") return;
  throw RequestError({FailureKind::kNotFound,
                      "\"model\" is " + describe(Json(*name)) + ", expected \"" + model.name + "\"", "model",
                      "model_not_found"});
}

std::string text_json(const std::string& prompt, const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(prompt + text);
  return json_text({{"text", std::move(list)}});
}

}  // namespace

Outcome vllm_generate(const Json& body, const Context& context) {
  const Fields fields(body);
  const ModelView& model = context.model;
  refuse_other_model(fields, model);
  const auto prompt = fields.string("prompt");
  if (!prompt) fields.wrong("prompt", "a string");
  Generation generation;
  generation.prompt = encode_prompt(model, *prompt, true, "prompt");
  generation.prompt_text = *prompt;
  Call call;
  call.stream = fields.boolean("stream").value_or(false);
  read_vllm_fields(fields, model, generation);
  read_sampling(fields, generation.sampling);
  read_choices(fields, model, call.stream, generation);
  const int64_t asked = fields.integer("max_tokens", 1, kMostInt32).value_or(kDefaultMaxTokens);
  require_min_output(generation, asked);
  // As in vLLM, the context's end is an end like any other.
  generation.max_output = std::min(asked, room_after(model, generation.prompt.size()));
  call.answer = std::make_unique<VllmAnswer>(*prompt, generation.choices);
  call.generations.push_back(std::move(generation));
  return call;
}

VllmAnswer::VllmAnswer(std::string prompt, int64_t choices)
    : prompt_(std::move(prompt)), texts_(static_cast<size_t>(choices)) {}

std::string VllmAnswer::event(const ChoiceEvent& event) {
  texts_.at(event.choice) += event.text;
  if (event.text.empty() && !event.finish) return {};
  return text_json(prompt_, texts_) + '\0';
}

std::string VllmAnswer::failed(const Failure& failure) { return tgi_failure(failure).body + '\0'; }

http::Response VllmAnswer::whole(const std::vector<GenerationResult>& results) {
  std::vector<std::string> texts;
  for (const ChoiceResult& choice : results.front().choices) texts.push_back(choice.text);
  return {200, "application/json", text_json(prompt_, texts), {}};
}

}  // namespace caravan::serve
