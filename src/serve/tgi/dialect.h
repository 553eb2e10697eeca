// The dialect of Hugging Face's text-generation-inference (TGI), as its router answers in version 3.
// Thread safety: as dialect.h says of routes.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

/// POST /, /generate_stream and /tokenize; GET /info and /health. POST /generate is a path that vLLM has too:
/// serve/mindie tells the two apart.
Dialect tgi_dialect();

/// {"error", "error_type"} and TGI's status codes.
http::Response tgi_failure(const Failure& failure);

/// How a path wants its generations answered.
struct TgiForm {
  bool stream = false;
  bool full_text = false;  ///< return_full_text where the request does not say
  bool listed = false;     ///< the answer stands in a list
};

/// What POST /generate does. `body` is an object. Throws RequestError.
Outcome tgi_generate(const Json& body, const Context& context, const TgiForm& form);

}  // namespace caravan::serve
