#include "serve/tgi/answer.h"

#include <algorithm>
#include <cmath>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string milliseconds(double seconds) { return std::to_string(std::llround(seconds * 1000.0)); }

size_t characters_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

Failure timed_out() { return {FailureKind::kTimeout, "the request's time limit has passed", "", ""}; }

}  // namespace

TgiAnswer::TgiAnswer(const Tokenizer& tokenizer, const TgiRequest& request, bool listed)
    : tokenizer_(&tokenizer),
      text_before_(request.text_before),
      prompt_characters_(characters_of(request.generation.prompt_text)),
      details_(request.details),
      sampled_(request.sampled),
      top_tokens_(request.top_tokens),
      listed_(listed) {}

Json TgiAnswer::token_json(const TokenResult& token) const {
  const bool special = tokenizer_->is_special(token.id);
  return {{"id", token.id},
          {"text", special ? tokenizer_->token_text(token.id) : token.piece},
          {"logprob", number_or_null(token.logprob)},
          {"special", special}};
}

Json TgiAnswer::top_json(const TokenResult& token) const {
  Json list = Json::array();
  for (const TopToken& top : token.top) {
    list.push_back({{"id", top.id},
                    {"text", token_bytes(*tokenizer_, top.id)},
                    {"logprob", top.logprob},
                    {"special", tokenizer_->is_special(top.id)}});
  }
  return list;
}

Json TgiAnswer::prefill_json(const std::vector<TokenResult>& tokens) const {
  Json list = Json::array();
  for (const TokenResult& token : tokens) {
    list.push_back({{"id", token.id},
                    {"text", token_bytes(*tokenizer_, token.id)},
                    {"logprob", number_or_null(token.logprob)}});
  }
  return list;
}

Json TgiAnswer::seed_json(const GenerationResult& result) const {
  return sampled_ ? Json(result.seed) : Json(nullptr);
}

void TgiAnswer::add_details(const ChoiceResult& choice, const GenerationResult& result, Json& details) const {
  details["finish_reason"] = finish_word(choice.finish.ending);
  details["generated_tokens"] = choice.tokens.size();
  details["seed"] = seed_json(result);
  details["prefill"] = prefill_json(result.prompt_tokens);
  details["tokens"] = Json::array();
  for (const TokenResult& token : choice.tokens) details["tokens"].push_back(token_json(token));
  if (!top_tokens_) return;
  details["top_tokens"] = Json::array();
  for (const TokenResult& token : choice.tokens) details["top_tokens"].push_back(top_json(token));
}

http::Response TgiAnswer::whole(const std::vector<GenerationResult>& results) {
  const GenerationResult& result = results.front();
  const ChoiceResult& best = result.choices.front();
  if (best.finish.ending == Ending::kTimeout) return tgi_failure(timed_out());
  Json body = {{"generated_text", text_before_ + best.text}};
  if (details_) {
    Json details;
    add_details(best, result, details);
    for (size_t i = 1; i < result.choices.size(); ++i) {
      Json other = {{"generated_text", text_before_ + result.choices[i].text}};
      add_details(result.choices[i], result, other);
      details["best_of_sequences"].push_back(std::move(other));
    }
    body["details"] = std::move(details);
  }
  http::Response response = json_response(listed_ ? Json::array({body}) : body);
  const double running = result.total_seconds - result.queue_seconds;
  const auto tokens = static_cast<double>(std::max<size_t>(best.tokens.size(), 1));
  response.headers = {{"x-compute-characters", std::to_string(prompt_characters_)},
                      {"x-total-time", milliseconds(result.total_seconds)},
                      {"x-queue-time", milliseconds(result.queue_seconds)},
                      {"x-inference-time", milliseconds(running)},
                      {"x-time-per-token", milliseconds(running / tokens)},
                      {"x-prompt-tokens", std::to_string(result.prompt_count)},
                      {"x-generated-tokens", std::to_string(best.tokens.size())}};
  return response;
}

std::string TgiAnswer::stream_event(const TokenResult& token, Json text, Json details) {
  Json event = {{"index", ++index_}, {"token", token_json(token)}};
  if (top_tokens_) event["top_tokens"] = top_json(token);
  event["generated_text"] = std::move(text);
  event["details"] = std::move(details);
  return sse_event(event);
}

std::string TgiAnswer::event(const ChoiceEvent& event) {
  text_ += event.text;
  std::string out;
  for (const TokenResult& token : event.tokens) {
    if (last_) out += stream_event(*last_, nullptr, nullptr);
    last_.reset();
    if (event.finish) {
      last_ = token;
    } else {
      out += stream_event(token, nullptr, nullptr);
    }
  }
  if (event.finish) finish_ = event.finish;
  return out;
}

std::string TgiAnswer::end(const std::vector<GenerationResult>& results) {
  std::string out;
  const bool complete = last_ && finish_ && finish_->ending != Ending::kTimeout;
  if (!complete) {
    // TGI has no event without a token, and no word for a text that time has cut.
    if (last_) out = stream_event(*last_, nullptr, nullptr);
    return out + failed(timed_out());
  }
  Json details = nullptr;
  if (details_) {
    const GenerationResult& result = results.front();
    details = {{"finish_reason", finish_word(finish_->ending)},
               {"generated_tokens", index_ + 1},
               {"seed", seed_json(result)},
               {"input_length", result.prompt_count}};
  }
  return stream_event(*last_, text_before_ + text_, std::move(details));
}

std::string TgiAnswer::failed(const Failure& failure) {
  return "data: " + tgi_failure(failure).body + "\n\n";
}

}  // namespace caravan::serve
