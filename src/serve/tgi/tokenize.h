// TGI's POST /tokenize: each token with its place in the text. Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/tokenizer.h"

namespace caravan::serve {

/// [{"id", "text", "start", "stop"}], places counted in characters of `text`, whose encoding `ids` are. A
/// token that the tokenizer put there itself has an empty text at 0. Where the tokenizer's normalizer has
/// changed the text, so that tokens have no place in it, all are so, as in TGI.
Json tokens_in_text(const Tokenizer& tokenizer, const std::string& text, const std::vector<int32_t>& ids);

}  // namespace caravan::serve
