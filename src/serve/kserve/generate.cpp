#include "serve/kserve/generate.h"

#include <cmath>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"
#include "serve/kserve/dialect.h"
#include "serve/kserve/request.h"
#include "serve/kserve/server.h"

namespace caravan::serve {

namespace {

Json milliseconds(double seconds) { return std::round(seconds * 1e6) / 1e3; }

/// Parameters beside `text_input`, and over them those of `parameters`.
Json parameters_of(const Json& body, const Fields& fields) {
  Json parameters = Json::object();
  for (const auto& [name, value] : body.items()) {
    if (name != "text_input" && name != "id" && name != "parameters") parameters[name] = value;
  }
  if (fields.object("parameters")) {
    for (const auto& [name, value] : fields.find("parameters")->items()) parameters[name] = value;
  }
  return parameters;
}

Outcome generate(const http::Request& request, const Context& context, bool stream) {
  const Json body = parse_body(request);
  const Fields fields(body);
  const auto id = request_id(fields);
  const auto text = fields.string("text_input");
  if (!text || text->empty()) fields.wrong("text_input", "a text");
  Generation generation;
  generation.prompt_text = *text;
  generation.prompt = encode_prompt(context.model, *text, true, "text_input");
  const PlainParameters plain =
      read_kserve_parameters(parameters_of(body, fields), context.model, generation);
  Call call;
  call.id = id.value_or("");
  call.stream = stream;
  call.answer = std::make_unique<GenerateAnswer>(id.value_or(request.id), context.model.name, plain.details);
  call.generations.push_back(std::move(generation));
  return call;
}

}  // namespace

Outcome kserve_generate(const http::Request& request, const Context& context) {
  return generate(request, context, false);
}

Outcome kserve_generate_stream(const http::Request& request, const Context& context) {
  return generate(request, context, true);
}

Outcome kserve_stop_infer(const http::Request& request, const Context& /*context*/) {
  const Json body = parse_body(request);
  const Fields fields(body);
  const auto id = request_id(fields);
  if (!id) fields.wrong("id", "the id of a request");
  return CancelRequest{
      *id, json_response({{"id", *id}}),
      kserve_failure({FailureKind::kNotFound, "RequestId is " + *id + " not found.", "id", ""})};
}

Json GenerateAnswer::body(const std::string& text) const {
  return {{"id", id_}, {"model_name", model_}, {"model_version", kModelVersion}, {"text_output", text}};
}

http::Response GenerateAnswer::whole(const std::vector<GenerationResult>& results) {
  const GenerationResult& result = results.front();
  const ChoiceResult& choice = result.choices.front();
  Json answer = body(choice.text);
  if (details_) {
    answer["details"] = {{"finish_reason", finish_word(choice.finish.ending)},
                         {"generated_tokens", choice.tokens.size()},
                         {"first_token_cost", milliseconds(result.first_token_seconds)},
                         {"queue_wait_time", milliseconds(result.queue_seconds)}};
  }
  return json_response(answer);
}

std::string GenerateAnswer::event(const ChoiceEvent& event) {
  const bool first = tokens_ == 0;
  tokens_ += event.tokens.size();
  Json answer = body(event.text);
  if (details_) {
    answer["details"] = {{"generated_tokens", tokens_}};
    if (event.finish) answer["details"]["finish_reason"] = finish_word(event.finish->ending);
    answer["prefill_time"] = first ? milliseconds(event.step_seconds) : Json(nullptr);
    answer["decode_time"] = first ? Json(nullptr) : milliseconds(event.step_seconds);
  }
  return sse_event(answer);
}

std::string GenerateAnswer::failed(const Failure& failure) {
  return "data: " + kserve_failure(failure).body + "\n\n";
}

}  // namespace caravan::serve
