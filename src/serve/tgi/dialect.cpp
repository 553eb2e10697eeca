#include "serve/tgi/dialect.h"

#include "serve/api/body.h"
#include "serve/api/failure_answer.h"
#include "serve/api/prompt.h"
#include "serve/tgi/answer.h"
#include "serve/tgi/tokenize.h"

namespace caravan::serve {

namespace {

const char* type_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMalformed:
    case FailureKind::kInvalid:
    case FailureKind::kTooLarge:
      return "validation";
    case FailureKind::kUnauthorized:
      return "unauthorized";
    case FailureKind::kForbidden:
      return "forbidden";
    case FailureKind::kNotFound:
      return "not_found";
    case FailureKind::kMethod:
      return "method_not_allowed";
    case FailureKind::kOverloaded:
      return "overloaded";
    case FailureKind::kUnavailable:
      return "unavailable";
    case FailureKind::kTimeout:
    case FailureKind::kGeneration:
      return "generation";
    case FailureKind::kInternal:
      break;
  }
  return "incomplete_generation";
}

const char* prefix_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMalformed:
    case FailureKind::kInvalid:
      return "Input validation error: ";
    case FailureKind::kTimeout:
    case FailureKind::kGeneration:
      return "Request failed during generation: ";
    default:
      return "";
  }
}

Outcome root(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const bool stream = Fields(body).boolean("stream").value_or(false);
  return tgi_generate(body, context, {.stream = stream, .full_text = true, .listed = !stream});
}

Outcome generate_stream(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  return tgi_generate(parse_body(request), context, {.stream = true, .full_text = false, .listed = false});
}

Outcome tokenize(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  const auto inputs = fields.string("inputs");
  if (!inputs) fields.wrong("inputs", "a string");
  const bool add_special = fields.boolean("add_special_tokens").value_or(true);
  const std::vector<int32_t> ids = encode_text(context.model, *inputs, add_special, "inputs");
  return json_response(tokens_in_text(*context.model.tokenizer, *inputs, ids));
}

/// The fields of version 3, and those of older versions and of MindIE's answer on this path.
Outcome info(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  const ModelView& model = context.model;
  const int64_t together = model.max_sequences + model.max_waiting;
  const Json one = {{"model_id", model.name},
                    {"model_sha", nullptr},
                    {"model_dtype", model.dtype},
                    {"model_pipeline_tag", "text-generation"},
                    {"max_total_tokens", model.max_context}};
  Json body = one;
  body["max_concurrent_requests"] = together;
  body["max_best_of"] = model.max_choices;
  body["max_stop_sequences"] = kTgiMaxStopSequences;
  body["max_input_tokens"] = model.max_context - 1;
  body["max_input_length"] = model.max_context - 1;
  body["max_batch_total_tokens"] = context.status.total_blocks * model.block_size;
  body["max_waiting_tokens"] = nullptr;
  body["waiting_served_ratio"] = nullptr;
  body["validation_workers"] = 1;
  body["max_client_batch_size"] = together;
  body["router"] = "caravan";
  body["version"] = model.version;
  body["sha"] = nullptr;
  body["docker_label"] = nullptr;
  body["models"] = Json::array({one});
  return json_response(body);
}

Outcome health(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  if (context.status.live && !context.status.draining) return http::Response{200, "application/json", "", {}};
  return json_response({{"error", "unhealthy"}, {"error_type", "healthcheck"}}, 503);
}

}  // namespace

http::Response tgi_failure(const Failure& failure) {
  return typed_failure(failure, failure_status(failure.kind), prefix_for(failure.kind) + failure.message,
                       type_for(failure.kind));
}

Outcome tgi_generate(const Json& body, const Context& context, const TgiForm& form) {
  TgiRequest request = read_tgi_request(body, context.model, form);
  Call call;
  call.stream = form.stream;
  call.answer = std::make_unique<TgiAnswer>(*context.model.tokenizer, request, form.listed);
  call.generations.push_back(std::move(request.generation));
  return call;
}

Dialect tgi_dialect() {
  return {"tgi",
          {{"POST", "/", root},
           {"POST", "/generate_stream", generate_stream},
           {"POST", "/tokenize", tokenize},
           {"GET", "/info", info},
           {"GET", "/health", health}},
          tgi_failure};
}

}  // namespace caravan::serve
