#include "serve/openai/chat_messages.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace caravan::serve::openai {

namespace {

constexpr std::array kRoles = {"system", "developer", "user", "assistant", "tool", "function"};

/// The text of one part of a content.
std::string part_text(const Json& part, const std::string& path) {
  if (part.is_string()) return part.get<std::string>();
  const Fields fields(part, path);
  const std::string type = fields.string("type").value_or("");
  if (type != "text" && type != "refusal") fields.wrong("type", "\"text\": this server reads text only");
  const auto text = fields.string(type);
  if (!text) fields.wrong(type, "a string");
  return *text;
}

std::string content_text(const Json& content, const Fields& message) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) message.wrong("content", "a string or a list of text parts");
  std::string text;
  for (size_t i = 0; i < content.size(); ++i) {
    if (i > 0) text += "\n";
    text += part_text(content[i], message.path_of("content") + "[" + std::to_string(i) + "]");
  }
  return text;
}

Json arguments_object(const Fields& function) {
  const std::string expected = "a JSON object, as a string or as itself";
  const Json* arguments = function.find("arguments");
  if (arguments == nullptr) return Json::object();
  if (arguments->is_object()) return *arguments;
  if (!arguments->is_string()) function.wrong("arguments", expected);
  const std::string text = arguments->get<std::string>();
  if (text.empty()) return Json::object();
  try {
    Json parsed = parse_json(text, "arguments");
    if (parsed.is_object()) return parsed;
  } catch (const Error&) {
    function.wrong("arguments", expected);
  }
  function.wrong("arguments", expected);
}

Json read_tool_calls(const Json& calls, const Fields& message) {
  Json read = Json::array();
  for (size_t i = 0; i < calls.size(); ++i) {
    const Fields call(calls[i], message.path_of("tool_calls") + "[" + std::to_string(i) + "]");
    const auto function = call.object("function");
    if (!function) call.wrong("function", "an object with \"name\" and \"arguments\"");
    const auto name = function->string("name");
    if (!name) function->wrong("name", "a string");
    Json item = Json::object();
    if (const auto id = call.string("id")) item["id"] = *id;
    item["type"] = "function";
    item["function"] = {{"name", *name}, {"arguments", arguments_object(*function)}};
    read.push_back(std::move(item));
  }
  return read;
}

Json read_message(const Json& json, const std::string& path) {
  const Fields message(json, path);
  const std::string role = message.string("role").value_or("");
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end())
    message.wrong("role", R"("system", "developer", "user", "assistant", "tool" or "function")");
  Json read = {{"role", role == "developer" ? "system" : role}, {"content", ""}};
  const Json* calls = message.array("tool_calls");
  if (const Json* content = message.find("content")) {
    read["content"] = content_text(*content, message);
  } else if (role != "assistant" || (calls == nullptr && !message.has("refusal"))) {
    message.wrong("content", "a string or a list of text parts");
  } else if (const auto refusal = message.string("refusal")) {
    read["content"] = *refusal;
  }
  if (calls != nullptr && !calls->empty()) read["tool_calls"] = read_tool_calls(*calls, message);
  for (const char* name : {"name", "tool_call_id", "reasoning_content", "reasoning", "thinking"})
    if (const auto value = message.string(name)) read[name] = *value;
  return read;
}

}  // namespace

Json read_messages(const Fields& fields) {
  const Json* list = fields.array("messages");
  if (list == nullptr || list->empty()) fields.wrong("messages", "a list of at least one message");
  Json messages = Json::array();
  for (size_t i = 0; i < list->size(); ++i)
    messages.push_back(read_message((*list)[i], "messages[" + std::to_string(i) + "]"));
  return messages;
}

}  // namespace caravan::serve::openai
