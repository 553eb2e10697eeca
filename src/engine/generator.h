// From prompts to finished texts: runs an engine until all are done, turning tokens into text as they come.
//
// Invariants: the pieces given to on_text for one prompt, put together, are its completion's text; none holds
// a part of a UTF-8 character or of a stop string. Thread safety: one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "text/tokenizer.h"

namespace caravan {

struct TextRequest {
  Request request;
  std::vector<std::string> stop_strings;  ///< the text ends before the first of these; needs a tokenizer
};

struct Completion {
  std::string text;                ///< empty without a tokenizer
  std::vector<int32_t> token_ids;  ///< all that were generated, the stop token included
  FinishReason finish = FinishReason::kLength;
  double first_token_seconds = 0.0;  ///< from the start of the run to the first token (TTFT)
  double total_seconds = 0.0;        ///< from the start of the run to the last
};

struct GeneratorEvents {
  /// A piece of text of request `index`, possibly empty, with the token that brought it (TextRequest's
  /// order).
  std::function<void(size_t index, const std::string& piece, int32_t token)> on_token;
  /// The rows of logits that a step computed for request `index`, fp32 [rows, vocab]; only if the request
  /// keeps them.
  std::function<void(size_t index, std::span<const float> logits)> on_logits;
  /// Request `index` is finished.
  std::function<void(size_t index, const Completion& completion)> on_finish;
};

/// Runs all requests to their ends, `engine`'s max_sequences of them together, and returns their completions
/// in order. `tokenizer` may be null: there is no text then. Throws Error if a request cannot be run; none
/// has run then.
std::vector<Completion> generate(Engine& engine, const Tokenizer* tokenizer,
                                 const std::vector<TextRequest>& requests, const GeneratorEvents& events);

}  // namespace caravan
