#include "serve/mindie/infer.h"

#include <cmath>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

Json milliseconds(double seconds) { return std::round(seconds * 1e6) / 1e3; }

void read_prompt(const Fields& fields, const ModelView& model, Generation& generation) {
  if (fields.has("inputs") && fields.has("input_id")) {
    invalid("\"inputs\" and \"input_id\" are both given, expected one of them", "inputs");
  }
  if (fields.has("input_id")) {
    generation.prompt = ids_field(fields, "input_id", model);
    check_prompt(model, generation.prompt, "input_id");
    generation.prompt_text = model.tokenizer->decode(generation.prompt);
    return;
  }
  const auto inputs = fields.string("inputs");
  if (!inputs || inputs->empty()) fields.wrong("inputs", "a text (or \"input_id\", a list of token ids)");
  generation.prompt_text = *inputs;
  generation.prompt = encode_prompt(model, *inputs, true, "inputs");
}

}  // namespace

Outcome mindie_infer(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  const Json none = Json::object();
  Generation generation;
  read_prompt(fields, context.model, generation);
  const Fields parameters = fields.object("parameters").value_or(Fields(none, "parameters"));
  const PlainParameters plain = read_plain_parameters(parameters, context.model, false, generation);
  Call call;
  call.stream = fields.boolean("stream").value_or(false);
  call.answer = std::make_unique<InferAnswer>(plain);
  call.generations.push_back(std::move(generation));
  return call;
}

Json InferAnswer::details_json(Ending ending, size_t tokens, const GenerationResult& result) const {
  Json details = {{"finish_reason", finish_word(ending)}, {"generated_tokens", tokens}};
  details["seed"] = parameters_.sampled ? Json(result.seed) : Json(nullptr);
  return details;
}

http::Response InferAnswer::whole(const std::vector<GenerationResult>& results) {
  const ChoiceResult& choice = results.front().choices.front();
  Json body = {{"generated_text", choice.text}};
  if (parameters_.details) {
    Json details = details_json(choice.finish.ending, choice.tokens.size(), results.front());
    details["generated_token_ids"] = Json::array();
    for (const TokenResult& token : choice.tokens) details["generated_token_ids"].push_back(token.id);
    body["details"] = std::move(details);
  }
  return json_response(body);
}

Json InferAnswer::event_json(const Json& ids, Json text, double seconds) {
  Json event = {{"prefill_time", first_ ? milliseconds(seconds) : Json(nullptr)},
                {"decode_time", first_ ? Json(nullptr) : milliseconds(seconds)}};
  first_ = false;
  event["token"] = {{"id", ids}, {"text", std::move(text)}};
  return event;
}

std::string InferAnswer::event(const ChoiceEvent& event) {
  text_ += event.text;
  tokens_ += event.tokens.size();
  Json ids = Json::array();
  for (const TokenResult& token : event.tokens) ids.push_back(token.id);
  if (!event.finish) return sse_event(event_json(ids, event.text, event.step_seconds));
  // Text that the finishing event adds is in generated_text only, as in MindIE; its event waits for the seed.
  last_ids_ = std::move(ids);
  last_seconds_ = event.step_seconds;
  finish_ = *event.finish;
  return {};
}

std::string InferAnswer::end(const std::vector<GenerationResult>& results) {
  Json event = event_json(last_ids_, nullptr, last_seconds_);
  event["generated_text"] = text_;
  event["details"] =
      parameters_.details ? details_json(finish_.ending, tokens_, results.front()) : Json(nullptr);
  return sse_event(event);
}

std::string InferAnswer::failed(const Failure& failure) {
  return "data: " + mindie_failure(failure).body + "\n\n";
}

}  // namespace caravan::serve
