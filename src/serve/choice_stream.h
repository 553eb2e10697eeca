// One continuation on its way from tokens to text: detokenized, cut before the first stop string, with the
// log-probabilities that were asked for.
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "engine/request.h"
#include "serve/api/generation.h"
#include "text/detokenizer.h"
#include "text/stop_matcher.h"
#include "text/tokenizer.h"

namespace caravan::serve {

class ChoiceStream {
 public:
  /// `tokenizer` and `generation` must outlive it.
  ChoiceStream(const Tokenizer& tokenizer, const Generation& generation);

  /// Adds to `event` what one result of the engine brought: text, token, finish. Nothing may follow a finish.
  /// A result that ends in a dead end has none: that is the caller's.
  void push(const StepResult& result, ChoiceEvent& event);
  /// Ends the text here, with what was held back.
  void end(Finish finish, ChoiceEvent& event);

  [[nodiscard]] int64_t tokens() const { return tokens_; }
  [[nodiscard]] double logprob() const { return logprob_; }

 private:
  void add_text(const std::string& text, ChoiceEvent& event);

  const Generation& generation_;
  Detokenizer detokenizer_;
  StopMatcher stops_;
  int64_t tokens_ = 0;
  double logprob_ = 0.0;  ///< of all tokens, where log-probabilities are asked for
};

/// `logprobs` in the dialects' form.
TokenResult token_result(int32_t id, std::string piece, const std::optional<Logprobs>& logprobs);

}  // namespace caravan::serve
