// Log-probabilities in the three forms of this dialect. Where a probability is 0, JSON has no number for its
// logarithm, and -9999 stands there, as in vLLM. Thread safety: value types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// How the tokens of completions are written.
struct TokenLabels {
  const ModelView* model = nullptr;
  bool as_ids = false;  ///< "token_id:42" (vLLM's return_tokens_as_token_ids)

  /// The token's text; OpenAI's "bytes:\xe4\xbb" where its bytes are not UTF-8.
  [[nodiscard]] std::string label(int32_t id) const;
};

/// Completions: {tokens, token_logprobs, top_logprobs, text_offset}.
class CompletionLogprobs {
 public:
  /// `top`: of so many of the likeliest; the token itself is always among them.
  CompletionLogprobs(TokenLabels labels, size_t top) : labels_(labels), top_(top) {}

  /// `offset`: characters of the choice's text before the token.
  void add(const TokenResult& token, int64_t offset);
  [[nodiscard]] Json json() const;

 private:
  TokenLabels labels_;
  size_t top_;
  Json tokens_ = Json::array();
  Json token_logprobs_ = Json::array();
  Json top_logprobs_ = Json::array();
  Json text_offset_ = Json::array();
};

/// Chats: {content: [{token, logprob, bytes, top_logprobs}], refusal: null}. Bytes are exact, whatever the
/// text shows.
Json chat_logprobs(const ModelView& model, const std::vector<TokenResult>& tokens, size_t top);

/// vLLM's prompt_logprobs: for each token null or {"id": {logprob, rank, decoded_token}}.
Json prompt_logprobs(const ModelView& model, const std::vector<TokenResult>& tokens, size_t top);

/// How many characters (code points) `text` has.
int64_t characters(std::string_view text);

/// For each token of a prompt, how many characters of `text` come before it. Tokens that the tokenizer has
/// added (as BOS) take no characters.
std::vector<int64_t> prompt_offsets(const ModelView& model, const std::vector<int32_t>& prompt,
                                    std::string_view text);

}  // namespace caravan::serve::openai
