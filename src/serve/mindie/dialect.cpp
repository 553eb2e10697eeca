#include "serve/mindie/dialect.h"

#include "serve/api/body.h"
#include "serve/api/failure_answer.h"
#include "serve/mindie/infer.h"
#include "serve/mindie/management.h"
#include "serve/mindie/vllm_generate.h"
#include "serve/tgi/dialect.h"

namespace caravan::serve {

namespace {

Outcome generate(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  if (fields.has("prompt")) return vllm_generate(body, context);
  if (fields.has("inputs")) return tgi_generate(body, context, {});
  fields.wrong("inputs", "a string (as TGI's requests have), or \"prompt\" (as vLLM's have)");
}

}  // namespace

http::Response mindie_failure(const Failure& failure) {
  const int status = is_wrong_request(failure.kind) ? 422 : failure_status(failure.kind);
  return typed_failure(failure, status, failure.message, failure_title(failure.kind));
}

Dialect mindie_dialect() {
  return {"mindie",
          {{"POST", "/infer", mindie_infer},
           {"POST", "/infer_token", mindie_infer},
           {"POST", "/v1/tokenizer", mindie_tokenizer},
           {"GET", "/health/timed", mindie_health_timed},
           {"GET", "/health/{timed}", mindie_health_timed},
           {"GET", "/stopService", mindie_stop_service},
           {"GET", "/v1/config", mindie_config},
           {"GET", "/v1/status", mindie_status_v1},
           {"GET", "/v2/status", mindie_status_v2}},
          mindie_failure};
}

Dialect generate_dialect() { return {"generate", {{"POST", "/generate", generate}}, tgi_failure}; }

}  // namespace caravan::serve
