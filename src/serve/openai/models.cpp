#include "serve/openai/models.h"

#include "serve/openai/errors.h"

namespace caravan::serve::openai {

namespace {

/// OpenAI's fields, and of vLLM's those that say something.
Json model_json(const ModelView& model) {
  return {
      {"id", model.name},   {"object", "model"}, {"created", model.created},          {"owned_by", "caravan"},
      {"root", model.name}, {"parent", nullptr}, {"max_model_len", model.max_context}};
}

const char* state_of(const ServerStatus& status) {
  if (status.draining) return "draining";
  if (status.ready) return "ready";
  return status.live ? "busy" : "failed";
}

}  // namespace

Outcome list_models(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  return json_response({{"object", "list"}, {"data", Json::array({model_json(context.model)})}});
}

Outcome show_model(const http::Request& /*request*/, const PathValues& values, const Context& context) {
  const std::string& name = values.at("model");
  if (name != context.model.name) no_such_model(name);
  return json_response(model_json(context.model));
}

Outcome version(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  return json_response({{"version", context.model.version}});
}

Outcome health(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  return http::Response{context.status.live ? 200 : 503, "text/plain", "", {}};
}

Outcome ready(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  const ServerStatus& status = context.status;
  const bool takes = status.live && status.ready && !status.draining;
  return json_response(
      {{"status", state_of(status)}, {"running", status.running}, {"waiting", status.waiting}},
      takes ? 200 : 503);
}

}  // namespace caravan::serve::openai
