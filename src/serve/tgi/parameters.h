// A request of TGI's, read with TGI's own checks and in TGI's own words (its router/src/validation.rs).
// Thread safety: pure functions, random seeds aside.
#pragma once

#include "serve/api/body.h"
#include "serve/tgi/dialect.h"

namespace caravan::serve {

/// TGI's defaults for --max-stop-sequences and --max-top-n-tokens.
constexpr int64_t kTgiMaxStopSequences = 4;
constexpr int64_t kTgiMaxTopTokens = 5;

struct TgiRequest {
  Generation generation;
  std::string text_before;  ///< of the generated text: the prompt where return_full_text asks for it
  bool details = false;
  bool sampled = false;  ///< tokens are drawn: the seed means something
  bool top_tokens = false;
};

/// Throws RequestError (kInvalid).
TgiRequest read_tgi_request(const Json& body, const ModelView& model, const TgiForm& form);

}  // namespace caravan::serve
