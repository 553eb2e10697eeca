// POST /tokenize, POST /detokenize and GET /tokenizer_info, as vLLM's (and lm-eval's remote tokenizer).
// Thread safety: the tokenizer's rule (one thread at a time).
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// The ids of `prompt`, or of `messages` as the chat template writes them.
Outcome tokenize(const http::Request& request, const PathValues& values, const Context& context);
/// The text of `tokens`, special ones written out.
Outcome detokenize(const http::Request& request, const PathValues& values, const Context& context);
/// What clients need to render chats themselves: special tokens, chat template, lengths.
Outcome tokenizer_info(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve::openai
