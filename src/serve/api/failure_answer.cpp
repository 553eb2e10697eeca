#include "serve/api/failure_answer.h"

namespace caravan::serve {

namespace {

struct Words {
  int status;
  const char* title;
};

Words words_for(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMalformed:
      return {400, "Input Validation Error"};
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

}  // namespace

bool is_wrong_request(FailureKind kind) {
  return kind == FailureKind::kMalformed || kind == FailureKind::kInvalid;
}

int failure_status(FailureKind kind) { return words_for(kind).status; }

const char* failure_title(FailureKind kind) { return words_for(kind).title; }

http::Response failure_answer(const Failure& failure, int status, const Json& body) {
  http::Response response = json_response(body, status);
  if (failure.kind == FailureKind::kUnauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (failure.kind == FailureKind::kMethod) response.headers.emplace_back("Allow", failure.methods);
  if (failure.kind == FailureKind::kOverloaded || failure.kind == FailureKind::kUnavailable)
    response.headers.emplace_back("Retry-After", "1");
  return response;
}

http::Response typed_failure(const Failure& failure, int status, const std::string& message,
                             const char* type) {
  return failure_answer(failure, status, {{"error", message}, {"error_type", type}});
}

}  // namespace caravan::serve
