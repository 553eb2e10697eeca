// From a request's text or ids to a prompt that the model takes.
// Thread safety: pure functions, the tokenizer's rule aside (one thread at a time).
#pragma once

#include "base/json.h"
#include "serve/api/dialect.h"

namespace caravan::serve {

/// The ids of `text`, of any number. Throws RequestError naming `field`.
std::vector<int32_t> encode_text(const ModelView& model, const std::string& text, bool add_special,
                                 const std::string& field);

/// Reads a list of ids of the vocabulary. Throws RequestError naming `field`.
std::vector<int32_t> token_ids(const ModelView& model, const Json& list, const std::string& field);

/// Encodes `text` to a prompt, of which check_prompt holds. `add_special` is false where a chat template has
/// written the special tokens already. Throws RequestError naming `field`.
std::vector<int32_t> encode_prompt(const ModelView& model, const std::string& text, bool add_special,
                                   const std::string& field);

/// Throws RequestError, naming `field`, unless `ids` are at least one, in the vocabulary, and leave room for
/// a token within the context.
void check_prompt(const ModelView& model, const std::vector<int32_t>& ids, const std::string& field);

/// How many tokens may follow a prompt of so many.
int64_t room_after(const ModelView& model, size_t prompt_tokens);

/// The bytes that a token adds to a text, special tokens by their names.
std::string token_bytes(const ModelView& model, int32_t id);
std::string token_bytes(const Tokenizer& tokenizer, int32_t id);

}  // namespace caravan::serve
