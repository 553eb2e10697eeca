#include "serve/openai/errors.h"

#include <algorithm>
#include <array>

#include "serve/api/failure_answer.h"

namespace caravan::serve::openai {

namespace {

/// The first is TGI's documented one, the second what huggingface_hub writes where it was given a URL only.
constexpr std::array<std::string_view, 2> kAnyModel = {"tgi", "dummy"};

struct Wording {
  int status;
  const char* type;
  const char* code;  ///< where the failure has none of its own; nullptr: null
};

Wording wording(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMalformed:
    case FailureKind::kInvalid:
      return {400, "invalid_request_error", nullptr};
    case FailureKind::kUnauthorized:
      return {401, "invalid_request_error", "invalid_api_key"};
    case FailureKind::kForbidden:
      return {403, "permission_error", nullptr};
    case FailureKind::kNotFound:
      return {404, "invalid_request_error", nullptr};
    case FailureKind::kMethod:
      return {405, "invalid_request_error", "method_not_allowed"};
    case FailureKind::kTooLarge:
      return {413, "invalid_request_error", "request_too_large"};
    case FailureKind::kOverloaded:
      return {429, "rate_limit_error", "rate_limit_exceeded"};
    case FailureKind::kUnavailable:
      return {503, "server_error", "service_unavailable"};
    case FailureKind::kTimeout:
      return {408, "timeout_error", "timeout"};
    case FailureKind::kGeneration:
    case FailureKind::kInternal:
      return {500, "server_error", nullptr};
  }
  return {500, "server_error", nullptr};
}

}  // namespace

Json failure_json(const Failure& failure) {
  const Wording words = wording(failure.kind);
  Json error = {{"message", failure.message}, {"type", words.type}, {"param", nullptr}, {"code", nullptr}};
  if (!failure.field.empty()) error["param"] = failure.field;
  if (words.code != nullptr) error["code"] = words.code;
  if (!failure.code.empty()) error["code"] = failure.code;
  return {{"error", error}};
}

http::Response failure_response(const Failure& failure) {
  return failure_answer(failure, wording(failure.kind).status, failure_json(failure));
}

void check_model(const Fields& fields, const ModelView& model) {
  const std::string name = fields.string("model").value_or("");
  if (name.empty() || name == model.name) return;
  if (std::find(kAnyModel.begin(), kAnyModel.end(), name) == kAnyModel.end()) no_such_model(name);
}

void no_such_model(const std::string& name) {
  throw RequestError({FailureKind::kNotFound,
                      "the model " + in_quotes(name) + " does not exist: GET /v1/models lists what is served",
                      "model", "model_not_found"});
}

}  // namespace caravan::serve::openai
