#include "serve/kserve/dialect.h"

#include "serve/api/body.h"
#include "serve/kserve/generate.h"
#include "serve/kserve/infer.h"
#include "serve/kserve/server.h"

namespace caravan::serve {

namespace {

struct Words {
  int status;
  const char* error_type;
};

Words words_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMalformed:
    case FailureKind::kInvalid:
      return {400, "Input Validation Error"};
    case FailureKind::kUnauthorized:
      return {401, "Unauthorized"};
    case FailureKind::kForbidden:
      return {403, "Forbidden"};
    case FailureKind::kNotFound:
      return {404, "Not Found"};
    case FailureKind::kMethod:
      return {405, "Method Not Allowed"};
    case FailureKind::kTooLarge:
      return {413, "Payload Too Large"};
    case FailureKind::kOverloaded:
      return {429, "Too Many Requests"};
    case FailureKind::kUnavailable:
      return {503, "Service Unavailable"};
    case FailureKind::kTimeout:
    case FailureKind::kGeneration:
      return {424, "Generation Error"};
    case FailureKind::kInternal:
      break;
  }
  return {500, "Internal Server Error"};
}

/// `path` is what stands after the model's name, and `handle` is called for the model that is served only.
void add_model_route(std::vector<Route>& routes, const std::string& method, const std::string& path,
                     Outcome (*handle)(const http::Request& request, const Context& context)) {
  const auto checked = [handle](const http::Request& request, const PathValues& values,
                                const Context& context) {
    require_model(values, context.model);
    return handle(request, context);
  };
  routes.push_back({method, "/v2/models/{model}" + path, checked});
  routes.push_back({method, "/v2/models/{model}/versions/{version}" + path, checked});
}

}  // namespace

http::Response kserve_failure(const Failure& failure) {
  const Words words = words_for(failure.kind);
  return json_response({{"error", failure.message}, {"error_type", words.error_type}}, words.status);
}

Dialect kserve_dialect() {
  Dialect dialect = {"kserve", {}, kserve_failure};
  std::vector<Route>& routes = dialect.routes;
  routes.push_back({"GET", "/v2", kserve_server});
  routes.push_back({"GET", "/v2/health/live", kserve_live});
  routes.push_back({"GET", "/v2/health/ready", kserve_ready});
  add_model_route(routes, "GET", "", kserve_model);
  add_model_route(routes, "GET", "/ready", kserve_model_ready);
  add_model_route(routes, "GET", "/config", kserve_config);
  add_model_route(routes, "GET", "/getSlotCount", kserve_slot_count);
  add_model_route(routes, "POST", "/stopInfer", kserve_stop_infer);
  add_model_route(routes, "POST", "/infer", kserve_infer);
  add_model_route(routes, "POST", "/generate", kserve_generate);
  add_model_route(routes, "POST", "/generate_stream", kserve_generate_stream);
  return dialect;
}

}  // namespace caravan::serve
