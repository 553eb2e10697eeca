#include "serve/mindie/dialect.h"

#include "serve/api/body.h"
#include "serve/mindie/infer.h"
#include "serve/mindie/management.h"
#include "serve/mindie/vllm_generate.h"
#include "serve/tgi/dialect.h"

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
      return {422, "Input Validation Error"};
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

Outcome generate(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  if (fields.has("prompt")) return vllm_generate(body, context);
  if (fields.has("inputs")) return tgi_generate(body, context, {});
  fields.wrong("inputs", "a string (as TGI's requests have), or \"prompt\" (as vLLM's have)");
}

}  // namespace

http::Response mindie_failure(const Failure& failure) {
  const Words words = words_for(failure.kind);
  return json_response({{"error", failure.message}, {"error_type", words.error_type}}, words.status);
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
