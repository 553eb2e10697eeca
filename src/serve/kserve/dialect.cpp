#include "serve/kserve/dialect.h"

#include "serve/api/failure_answer.h"
#include "serve/kserve/generate.h"
#include "serve/kserve/infer.h"
#include "serve/kserve/server.h"

namespace caravan::serve {

namespace {

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
  const int status = is_wrong_request(failure.kind) ? 400 : failure_status(failure.kind);
  return typed_failure(failure, status, failure.message, failure_title(failure.kind));
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
