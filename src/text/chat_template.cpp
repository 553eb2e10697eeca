#include "text/chat_template.h"

#include <array>

#include "base/error.h"

namespace caravan {

namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  if (localtime_r(&now, &parts) == nullptr) fail("the clock's time has no date");
  return parts;
}

/// With the day of the week and of the year that belong to the date.
std::tm completed(std::tm date) {
  date.tm_isdst = -1;
  std::tm normal = date;
  if (timegm(&normal) == -1 && normal.tm_year != 69)
    fail("the date given to the chat template does not exist");
  return normal;
}

/// A message's reasoning comes under several names; templates read the first or the second. As transformers,
/// the first that is given is made known under both.
Json with_reasoning(const Json& message) {
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    const auto found = message.find(name);
    if (found == message.end() || found->is_null()) continue;
    Json extended = Json::object();
    extended["thinking"] = *found;
    for (const auto& [key, value] : message.items()) extended[key] = value;
    extended["reasoning_content"] = *found;
    return extended;
  }
  return message;
}

void check_list_of_objects(const Json& list, const char* name) {
  if (!list.is_array()) fail(name, " are ", describe(list), ", expected a list of objects");
  for (size_t i = 0; i < list.size(); ++i)
    if (!list[i].is_object()) fail(name, ": item ", i, " is ", describe(list[i]), ", expected an object");
}

}  // namespace

ChatTemplate::ChatTemplate(std::string text, std::map<std::string, std::string> special_tokens,
                           const std::string& source)
    : text_(std::move(text)), special_tokens_(std::move(special_tokens)), template_(text_, source) {}

std::string ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  check_list_of_objects(messages, "the messages of a chat");
  if (!options.tools.is_null()) check_list_of_objects(options.tools, "the tools of a chat");
  if (!options.documents.is_null()) check_list_of_objects(options.documents, "the documents of a chat");
  if (!options.variables.is_object())
    fail("the variables of a chat template are ", describe(options.variables), ", expected an object");
  Json variables = Json::object();
  for (const auto& [name, token] : special_tokens_) variables[name] = token;
  for (const auto& [name, value] : options.variables.items()) variables[name] = value;
  variables["messages"] = Json::array();
  for (const Json& message : messages) variables["messages"].push_back(with_reasoning(message));
  variables["tools"] = options.tools;
  variables["documents"] = options.documents;
  variables["add_generation_prompt"] = options.add_generation_prompt;
  return template_.render(variables, options.date ? completed(*options.date) : local_time());
}

}  // namespace caravan
