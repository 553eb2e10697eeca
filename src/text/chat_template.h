// A model's chat template: from a conversation to the text that the model was trained on.
//
// Renders what transformers' apply_chat_template(tokenize=False) renders, with the same variables.
// Thread safety: immutable once made; render may run on many threads at once.
#pragma once

#include <ctime>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "text/jinja/template.h"

namespace caravan {

struct ChatOptions {
  /// Ends the text with the words that make the model answer.
  bool add_generation_prompt = false;
  /// A list of JSON schemas of functions, or null where the model has none to call.
  Json tools = nullptr;
  /// A list of {"title", "text"} for models that answer from documents, or null.
  Json documents = nullptr;
  /// Further variables of the template, such as "date_string" or "enable_thinking".
  Json variables = Json::object();
  /// What the template takes for today, in local time; the clock's where absent.
  std::optional<std::tm> date;
};

class ChatTemplate {
 public:
  /// `special_tokens` are the texts of the tokens that the tokenizer has, by name: "bos_token", "eos_token",
  /// "pad_token", "unk_token" … `source` names the template in messages: its file. Throws Error where the
  /// template is wrong or uses what is not supported.
  ChatTemplate(std::string text, std::map<std::string, std::string> special_tokens,
               const std::string& source = "the chat template");

  /// `messages` is a list of objects, each with a "role" and what the template reads. Throws Error where the
  /// messages have another shape or where the template refuses them, in the template's own words.
  [[nodiscard]] std::string render(const Json& messages, const ChatOptions& options = {}) const;

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::map<std::string, std::string> special_tokens_;
  jinja::Template template_;
};

}  // namespace caravan
