// What the dialects share of the answer to a failure: its status, its words, its form.
// Thread safety: pure functions.
#pragma once

#include "serve/api/body.h"
#include "serve/api/failure.h"

namespace caravan::serve {

/// The request itself is wrong: kMalformed or kInvalid. Dialects differ in the status of these.
[[nodiscard]] bool is_wrong_request(FailureKind kind);

/// The status as TGI has it, which MindIE and KServe follow but for wrong requests.
[[nodiscard]] int failure_status(FailureKind kind);

/// MindIE's and KServe's `error_type`.
[[nodiscard]] const char* failure_title(FailureKind kind);

/// The answer with a failure's body, and the headers that HTTP wants beside its kind (RFC 9110,
/// sections 11.6.1, 10.2.1 and 10.2.3): how to show a key, which methods there are, when to come again.
[[nodiscard]] http::Response failure_answer(const Failure& failure, int status, const Json& body);

/// {"error": MESSAGE, "error_type": TYPE}: the form of TGI, MindIE and KServe.
[[nodiscard]] http::Response typed_failure(const Failure& failure, int status, const std::string& message,
                                           const char* type);

}  // namespace caravan::serve
