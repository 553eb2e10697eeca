// TGI's words for what a generation gave: one JSON object, or a stream of one event for each token.
// Thread safety: an Answer belongs to its request.
#pragma once

#include <optional>

#include "serve/tgi/parameters.h"

namespace caravan::serve {

class TgiAnswer final : public Answer {
 public:
  /// `request`'s generation is not looked at, but for its prompt's characters.
  TgiAnswer(const Tokenizer& tokenizer, const TgiRequest& request, bool listed);

  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& results) override;
  std::string failed(const Failure& failure) override;
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  [[nodiscard]] Json token_json(const TokenResult& token) const;
  [[nodiscard]] Json top_json(const TokenResult& token) const;
  [[nodiscard]] Json prefill_json(const std::vector<TokenResult>& tokens) const;
  /// What the details of the best choice and those of the others have in common.
  void add_details(const ChoiceResult& choice, const GenerationResult& result, Json& details) const;
  std::string stream_event(const TokenResult& token, Json text, Json details);
  [[nodiscard]] Json seed_json(const GenerationResult& result) const;

  const Tokenizer* tokenizer_;
  std::string text_before_;
  size_t prompt_characters_ = 0;
  bool details_;
  bool sampled_;
  bool top_tokens_;
  bool listed_;
  // Of a stream:
  int64_t index_ = 0;  ///< of the last event; TGI counts from 1
  std::string text_;
  std::optional<TokenResult> last_;  ///< held back until end() knows what belongs into the last event
  std::optional<Finish> finish_;
};

}  // namespace caravan::serve
