// Words the answer to POST /v1/completions, whole or as a stream.
// Thread safety: belongs to one request.
#pragma once

#include <optional>
#include <vector>

#include "serve/api/text_event.h"
#include "serve/openai/answer_parts.h"
#include "serve/openai/logprobs.h"

namespace caravan::serve::openai {

struct CompletionForm {
  AnswerHead head;
  UsageOptions usage;
  int64_t choices = 1;  ///< of each prompt
  bool echo = false;
  bool token_ids = false;                 ///< return_tokens_as_token_ids
  std::optional<size_t> logprobs;         ///< so many likeliest
  std::optional<size_t> prompt_logprobs;  ///< vLLM's, beside
};

class CompletionAnswer : public Answer {
 public:
  /// `generations` as they are handed over; their prompts are what is echoed.
  CompletionAnswer(CompletionForm form, const std::vector<Generation>& generations);

  std::string begin() override;
  std::string prompt(size_t generation, const std::vector<TokenResult>& tokens) override;
  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& results) override;
  std::string failed(const Failure& failure) override { return stream_failed(failure); }
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  struct Prompt {
    std::vector<int32_t> ids;
    std::string text;
  };
  /// Of one choice, while it streams.
  struct Progress {
    int64_t offset = 0;  ///< characters so far
    int64_t tokens = 0;
    std::optional<TextEvent> plain;  ///< made when it is first needed: text, and nothing else
  };

  [[nodiscard]] size_t index(size_t generation, size_t choice) const;
  [[nodiscard]] CompletionLogprobs logprobs() const;
  /// Adds the prompt's tokens.
  void add_prompt(CompletionLogprobs& logprobs, size_t generation,
                  const std::vector<TokenResult>& tokens) const;
  /// Adds generated tokens, the first of which begins at `offset`; gives the offset after them.
  static int64_t add_tokens(CompletionLogprobs& logprobs, int64_t offset,
                            const std::vector<TokenResult>& tokens);
  [[nodiscard]] Json chunk_json(size_t generation, size_t choice, const std::string& text, Json logprobs,
                                const std::optional<Finish>& finish) const;
  [[nodiscard]] std::string chunk(size_t generation, size_t choice, const std::string& text, Json logprobs,
                                  const std::optional<Finish>& finish) const;
  [[nodiscard]] std::string prompt_chunks(size_t generation, const Json& logprobs) const;
  [[nodiscard]] Json whole_choice(const GenerationResult& result, size_t generation, size_t choice) const;

  CompletionForm form_;
  std::vector<Prompt> prompts_;
  std::vector<Progress> progress_;  ///< by index()
};

}  // namespace caravan::serve::openai
