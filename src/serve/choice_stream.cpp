#include "serve/choice_stream.h"

namespace caravan::serve {

TokenResult token_result(int32_t id, std::string piece, const std::optional<Logprobs>& logprobs) {
  TokenResult token;
  token.id = id;
  token.piece = std::move(piece);
  if (!logprobs.has_value()) return token;
  token.logprob = static_cast<double>(logprobs->logprob);
  token.rank = logprobs->rank;
  for (const TokenLogprob& top : logprobs->top)
    token.top.push_back({top.token, static_cast<double>(top.logprob)});
  return token;
}

ChoiceStream::ChoiceStream(const Tokenizer& tokenizer, const Generation& generation)
    : generation_(generation),
      detokenizer_(tokenizer, generation.prompt, generation.skip_special_tokens),
      stops_(generation.stop_strings) {}

void ChoiceStream::add_text(const std::string& text, ChoiceEvent& event) {
  // As in vLLM, stop strings count only after the tokens that must come.
  if (tokens_ < generation_.min_output) {
    event.text += text;
    return;
  }
  event.text += stops_.push(text);
  if (!stops_.stopped()) return;
  if (generation_.include_stop_string) event.text += *stops_.found();
  event.finish = Finish{Ending::kStopString, std::nullopt, *stops_.found()};
}

void ChoiceStream::push(const StepResult& result, ChoiceEvent& event) {
  if (result.token.has_value()) {
    ++tokens_;
    const bool stop_token = result.finish == FinishReason::kStop;
    std::string piece = stop_token ? "" : detokenizer_.push(*result.token);
    if (result.logprobs.has_value()) logprob_ += static_cast<double>(result.logprobs->logprob);
    event.tokens.push_back(token_result(*result.token, piece, result.logprobs));
    add_text(piece, event);
  }
  if (event.finish.has_value() || !result.finish.has_value()) return;
  if (result.finish == FinishReason::kStop) {
    end({Ending::kStopToken, result.token, ""}, event);
  } else {
    end({Ending::kLength, std::nullopt, ""}, event);
  }
}

void ChoiceStream::end(Finish finish, ChoiceEvent& event) {
  const std::string rest = detokenizer_.flush();
  add_text(rest, event);
  if (event.finish.has_value()) return;
  event.text += stops_.flush();
  event.finish = std::move(finish);
}

}  // namespace caravan::serve
