// What can go wrong with a request, before each dialect puts it into its own words and status codes.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace caravan::serve {

enum class FailureKind : uint8_t {
  kMalformed,     ///< the body is not JSON, or not of the dialect's form
  kInvalid,       ///< a field's value is wrong, or asks for what this server cannot do
  kUnauthorized,  ///< no API key, or a wrong one
  kForbidden,     ///< only for loopback clients or those with a key
  kNotFound,      ///< no such path or model
  kMethod,        ///< the path exists, for another method
  kTooLarge,      ///< the body is over the limit
  kOverloaded,    ///< the queue is full: later
  kUnavailable,   ///< loading, or draining before it stops
  kTimeout,       ///< the request's own time limit has passed
  kGeneration,    ///< the engine could not go on with it
  kInternal,      ///< a bug
};

struct Failure {
  FailureKind kind = FailureKind::kInternal;
  std::string message;       ///< one sentence
  std::string field;         ///< the request's field that is wrong, "" where none is
  std::string code;          ///< OpenAI's `code`, such as "model_not_found"; "" for none
  std::string methods = {};  ///< of kMethod: those that the path takes, as the header Allow has them
};

/// A Failure on its way up.
class RequestError : public Error {
 public:
  explicit RequestError(Failure failure) : Error(failure.message), failure_(std::move(failure)) {}
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  Failure failure_;
};

}  // namespace caravan::serve
