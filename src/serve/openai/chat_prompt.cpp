#include "serve/openai/chat_prompt.h"

#include "serve/api/sampling_fields.h"
#include "serve/openai/chat_messages.h"
#include "serve/openai/tools.h"

namespace caravan::serve::openai {

namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw RequestError({FailureKind::kInvalid, why, field, ""});
}

std::string stripped(const std::string& text, bool at_end) {
  constexpr const char* kSpaces = " \t\n\r\f\v";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string::npos) return "";
  return text.substr(first, at_end ? text.find_last_not_of(kSpaces) - first + 1 : std::string::npos);
}

/// `text` up to the end of the last message's content, as transformers' continue_final_message has it: with
/// the content's trailing spaces where the template keeps them.
std::string open_ended(std::string text, const std::string& last) {
  const std::string words = stripped(last, true);
  const size_t at = words.empty() ? std::string::npos : text.rfind(words);
  if (at == std::string::npos) {
    refuse("continue_final_message",
           "\"continue_final_message\" is true, but the chat template does not show the last message's "
           "content, expected one that it does");
  }
  const std::string spaced = stripped(last, false);
  text.resize(at + (text.compare(at, spaced.size(), spaced) == 0 ? spaced.size() : words.size()));
  return text;
}

ChatOptions read_options(const Fields& fields) {
  ChatOptions options;
  refuse_fields(fields, {"chat_template"});
  if (const Json* tools = read_tools(fields).shown) options.tools = *tools;
  if (const Json* documents = fields.array("documents")) options.documents = *documents;
  if (fields.object("chat_template_kwargs")) options.variables = *fields.find("chat_template_kwargs");
  return options;
}

}  // namespace

ChatPrompt read_chat_prompt(const Fields& fields, const ModelView& model) {
  if (model.chat_template == nullptr) {
    refuse("messages", "\"messages\" need a chat template, which the model " + in_quotes(model.name) +
                           " does not have: POST /v1/completions takes plain text");
  }
  ChatPrompt prompt;
  const Json messages = read_messages(fields);
  prompt.last_role = messages.back()["role"].get<std::string>();
  prompt.last_content = messages.back()["content"].get<std::string>();
  prompt.add_special = fields.boolean("add_special_tokens").value_or(false);
  ChatOptions options = read_options(fields);
  const bool open = fields.boolean("continue_final_message").value_or(false);
  options.add_generation_prompt = fields.boolean("add_generation_prompt").value_or(!open);
  if (open && options.add_generation_prompt)
    fields.wrong("continue_final_message", "false with \"add_generation_prompt\"");
  try {
    prompt.text = model.chat_template->render(messages, options);
  } catch (const Error& error) {
    refuse("messages", error.what());
  }
  if (open) prompt.text = open_ended(prompt.text, prompt.last_content);
  return prompt;
}

}  // namespace caravan::serve::openai
