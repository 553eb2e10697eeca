// From the `messages` of a chat to the text that the model continues.
//
// Messages are put into the form that chat templates expect (as vLLM does): content of several text parts is
// joined by line breaks, the arguments of earlier tool calls become objects, `developer` is `system`, a
// missing content is "". Thread safety: pure functions.
#pragma once

#include <string>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve::openai {

struct ChatPrompt {
  std::string text;          ///< as the template writes it
  bool add_special = false;  ///< `add_special_tokens`: the tokenizer adds its own besides
  std::string last_role;     ///< of the last message
  std::string last_content;  ///< its text
};

/// Reads messages, tools, tool_choice "none" (which hides the tools), documents, chat_template_kwargs,
/// add_generation_prompt, continue_final_message and add_special_tokens. Throws RequestError, also in the
/// template's own words where it refuses, and where the model has no template.
ChatPrompt read_chat_prompt(const Fields& fields, const ModelView& model);

}  // namespace caravan::serve::openai
