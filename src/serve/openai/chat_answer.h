// Words the answer to POST /v1/chat/completions, whole or as a stream; finds the calls of functions in it.
// Thread safety: belongs to one request.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "serve/api/text_event.h"
#include "serve/openai/answer_parts.h"
#include "serve/openai/logprobs.h"
#include "serve/openai/tool_calls.h"

namespace caravan::serve::openai {

struct ChatForm {
  AnswerHead head;
  UsageOptions usage;
  size_t choices = 1;
  std::string echoed;              ///< before every answer; "" for none
  std::set<std::string> callable;  ///< functions; none: the answer is text
  bool one_call_only = false;
  std::optional<size_t> logprobs;  ///< so many likeliest
  std::optional<size_t> prompt_logprobs;
  int64_t prompt_tokens = 0;
};

class ChatAnswer : public Answer {
 public:
  explicit ChatAnswer(ChatForm form);

  std::string begin() override;
  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& results) override;
  std::string failed(const Failure& failure) override { return stream_failed(failure); }
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  /// Of one choice, while it streams.
  struct Progress {
    std::unique_ptr<ToolCallParser> parser;  ///< none: the answer is text
    int64_t tokens = 0;
    std::optional<TextEvent> plain;  ///< made when it is first needed: content, and nothing else
  };

  [[nodiscard]] std::unique_ptr<ToolCallParser> parser() const;
  [[nodiscard]] Json chunk_json(size_t choice, Json delta, Json logprobs, const ChoiceEvent* finished) const;
  [[nodiscard]] std::string chunk(size_t choice, Json delta, Json logprobs,
                                  const ChoiceEvent* finished = nullptr) const;
  /// As chunk() of {"content": content}, but sooner made.
  [[nodiscard]] std::string content_chunk(size_t choice, const std::string& content);
  [[nodiscard]] Json whole_choice(const ChoiceResult& result, size_t choice) const;

  ChatForm form_;
  std::vector<Progress> progress_;
};

}  // namespace caravan::serve::openai
