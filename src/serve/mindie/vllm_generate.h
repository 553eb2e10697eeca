// vLLM's plain POST /generate (its entrypoints/api_server.py of version 0.2), which MindIE speaks too.
// Thread safety: an Answer belongs to its request; the rest are pure functions, random seeds aside.
#pragma once

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve {

/// `prompt` and SamplingParams' fields; `body` is an object. Throws RequestError.
Outcome vllm_generate(const Json& body, const Context& context);

/// {"text": [one for each choice]}, the prompt in front of each. A stream's chunks hold all text so far, and
/// end with a NUL byte.
class VllmAnswer final : public Answer {
 public:
  VllmAnswer(std::string prompt, int64_t choices);

  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& /*results*/) override { return {}; }
  std::string failed(const Failure& failure) override;
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  std::string prompt_;
  std::vector<std::string> texts_;  ///< of each choice so far, after the prompt
};

}  // namespace caravan::serve
