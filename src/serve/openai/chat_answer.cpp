#include "serve/openai/chat_answer.h"

#include <array>

#include "serve/api/shared_fields.h"

namespace caravan::serve::openai {

namespace {

/// As OpenAI's: "call_" and 24 letters and digits.
std::string call_id() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr int kLength = 24;
  constexpr int kDigitsPerDraw = 12;
  std::string id = "call_";
  uint64_t bits = 0;
  for (int i = 0; i < kLength; ++i) {
    if (i % kDigitsPerDraw == 0) bits = random_seed();
    id += kDigits[bits & 15U];
    bits >>= 4U;
  }
  return id;
}

/// A call with all that its first chunk has.
Json new_call(const std::string& name, const std::string& arguments) {
  return {{"id", call_id()}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments}}}};
}

Json delta_json(const ToolDelta& delta) {
  if (!delta.call) return {{"content", delta.content}};
  Json call = {{"index", *delta.call}};
  if (delta.name.empty()) {
    call["function"] = {{"arguments", delta.arguments}};
  } else {
    call.update(new_call(delta.name, delta.arguments));
  }
  return {{"tool_calls", Json::array({std::move(call)})}};
}

/// What a piece of the answer, and its end, add.
std::vector<ToolDelta> deltas_of(ToolCallParser* parser, const std::string& text, bool ended) {
  if (parser == nullptr) {
    if (text.empty()) return {};
    return {{text, std::nullopt, {}, {}}};
  }
  std::vector<ToolDelta> deltas = parser->push(text);
  if (!ended) return deltas;
  for (ToolDelta& last : parser->finish()) deltas.push_back(std::move(last));
  return deltas;
}

std::string reason(const Finish& finish, const ToolCallParser* parser) {
  const std::string plain = finish_reason(finish);
  return plain == "stop" && parser != nullptr && parser->calls() > 0 ? "tool_calls" : plain;
}

}  // namespace

ChatAnswer::ChatAnswer(ChatForm form) : form_(std::move(form)) {
  progress_.resize(form_.choices);
  for (Progress& progress : progress_) progress.parser = parser();
}

std::unique_ptr<ToolCallParser> ChatAnswer::parser() const {
  if (form_.callable.empty()) return nullptr;
  return std::make_unique<ToolCallParser>(form_.callable, form_.one_call_only);
}

Json ChatAnswer::chunk_json(size_t choice, Json delta, Json logprobs, const ChoiceEvent* finished) const {
  const Progress& progress = progress_[choice];
  Json body = form_.head.json();
  Json part = {{"index", choice},
               {"delta", std::move(delta)},
               {"logprobs", std::move(logprobs)},
               {"finish_reason", nullptr}};
  if (finished != nullptr) {
    part["finish_reason"] = reason(*finished->finish, progress.parser.get());
    part["stop_reason"] = stop_reason(*form_.head.model, *finished->finish);
  }
  body["choices"] = Json::array({std::move(part)});
  if (form_.usage.at_end) body["usage"] = nullptr;
  if (form_.usage.in_chunks) body["usage"] = usage_json(form_.prompt_tokens, progress.tokens);
  return body;
}

std::string ChatAnswer::chunk(size_t choice, Json delta, Json logprobs, const ChoiceEvent* finished) const {
  return sse_event(chunk_json(choice, std::move(delta), std::move(logprobs), finished));
}

std::string ChatAnswer::content_chunk(size_t choice, const std::string& content) {
  if (form_.usage.in_chunks) return chunk(choice, {{"content", content}}, nullptr);
  std::optional<TextEvent>& plain = progress_[choice].plain;
  if (!plain) {
    plain.emplace(chunk_json(choice, {{"content", ""}}, nullptr, nullptr),
                  Json::json_pointer("/choices/0/delta/content"));
  }
  return plain->with(content);
}

std::string ChatAnswer::begin() {
  std::string out;
  for (size_t choice = 0; choice < form_.choices; ++choice) {
    out += chunk(choice, {{"role", "assistant"}, {"content", ""}}, nullptr);
    if (!form_.echoed.empty()) out += chunk(choice, {{"content", form_.echoed}}, nullptr);
  }
  return out;
}

std::string ChatAnswer::event(const ChoiceEvent& event) {
  Progress& progress = progress_[event.choice];
  progress.tokens += static_cast<int64_t>(event.tokens.size());
  Json logprobs = nullptr;
  if (form_.logprobs && !event.tokens.empty())
    logprobs = chat_logprobs(*form_.head.model, event.tokens, *form_.logprobs);
  std::string out;
  for (const ToolDelta& delta : deltas_of(progress.parser.get(), event.text, event.finish.has_value())) {
    const bool plain = !delta.call && logprobs.is_null();
    out += plain ? content_chunk(event.choice, delta.content)
                 : chunk(event.choice, delta_json(delta), std::move(logprobs));
    logprobs = nullptr;
  }
  if (event.finish) return out + chunk(event.choice, Json::object(), std::move(logprobs), &event);
  // The tokens are reported although their text is held back.
  if (!logprobs.is_null()) out += chunk(event.choice, Json::object(), std::move(logprobs));
  return out;
}

std::string ChatAnswer::end(const std::vector<GenerationResult>& results) {
  std::string out;
  if (form_.usage.at_end) {
    Json body = form_.head.json();
    body["choices"] = Json::array();
    body["usage"] = total_usage(results);
    out = sse_event(body);
  }
  return out + stream_done();
}

Json ChatAnswer::whole_choice(const ChoiceResult& result, size_t choice) const {
  const std::unique_ptr<ToolCallParser> calls = parser();
  std::string content = form_.echoed;
  Json tool_calls = Json::array();
  for (const ToolDelta& delta : deltas_of(calls.get(), result.text, true)) {
    if (!delta.call) {
      content += delta.content;
    } else if (!delta.name.empty()) {
      tool_calls.push_back(new_call(delta.name, delta.arguments));
    } else {
      tool_calls[*delta.call]["function"]["arguments"].get_ref<std::string&>() += delta.arguments;
    }
  }
  Json message = {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
  if (!tool_calls.empty()) {
    if (content.empty()) message["content"] = nullptr;
    message["tool_calls"] = std::move(tool_calls);
  }
  Json logprobs = nullptr;
  if (form_.logprobs) logprobs = chat_logprobs(*form_.head.model, result.tokens, *form_.logprobs);
  return {{"index", choice},
          {"message", std::move(message)},
          {"logprobs", std::move(logprobs)},
          {"finish_reason", reason(result.finish, calls.get())},
          {"stop_reason", stop_reason(*form_.head.model, result.finish)}};
}

http::Response ChatAnswer::whole(const std::vector<GenerationResult>& results) {
  Json body = form_.head.json();
  body["choices"] = Json::array();
  const GenerationResult& result = results.front();
  for (size_t choice = 0; choice < result.choices.size(); ++choice)
    body["choices"].push_back(whole_choice(result.choices[choice], choice));
  body["usage"] = total_usage(results);
  if (form_.prompt_logprobs) {
    body["prompt_logprobs"] =
        prompt_logprobs(*form_.head.model, result.prompt_tokens, *form_.prompt_logprobs);
  }
  return json_response(body);
}

}  // namespace caravan::serve::openai
