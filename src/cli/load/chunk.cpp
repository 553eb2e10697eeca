#include "cli/load/chunk.h"

#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace caravan::load {

namespace {

constexpr const char* kSource = "the stream";

bool has_text(const JsonObject& object, const char* name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() && !value->get_ref<const std::string&>().empty();
}

bool has_items(const JsonObject& object, const char* name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_array() && !value->empty();
}

void read_choice(const Json& json, StreamChunk& chunk) {
  const JsonObject choice(json, kSource, "choices[]");
  const bool finished = choice.has("finish_reason");
  chunk.finished = chunk.finished || finished;
  if (const std::optional<JsonObject> delta = choice.object("delta")) {
    const bool text = has_text(*delta, "content") || has_text(*delta, "reasoning_content") ||
                      has_text(*delta, "reasoning") || has_items(*delta, "tool_calls");
    const bool held_back = delta->has("content") && !delta->has("role") && !finished;
    chunk.has_output = chunk.has_output || text || held_back;
    return;
  }
  chunk.has_output = chunk.has_output || has_text(choice, "text") || (choice.has("text") && !finished);
}

/// The message of an "error" field, which is an object with one, or a text.
std::string message_in(const Json& error) {
  if (error.is_string()) return error.get<std::string>();
  if (error.is_object() && error.contains("message") && error["message"].is_string())
    return error["message"].get<std::string>();
  return error.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

StreamChunk parse_stream_chunk(std::string_view data) {
  const Json json = parse_json(data, kSource);
  const JsonObject object(json, kSource);
  StreamChunk chunk;
  if (const Json* error = object.find("error")) {
    chunk.error = message_in(*error);
    return chunk;
  }
  const Json* choices = object.array("choices");
  const std::optional<JsonObject> usage = object.object("usage");
  if (choices == nullptr && !usage.has_value()) {
    fail(kSource,
         ": an event without \"choices\", \"usage\" and \"error\", expected a chunk of a completion");
  }
  if (choices != nullptr) {
    for (const Json& choice : *choices) read_choice(choice, chunk);
  }
  if (usage.has_value()) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    chunk.usage = {usage->integer("prompt_tokens", 0, kMost),
                   usage->integer_or("completion_tokens", 0, kMost, 0)};
  }
  return chunk;
}

std::string error_message_of(std::string_view body) {
  try {
    const Json json = parse_json(body, "the answer");
    if (json.is_object() && json.contains("error")) return message_in(json["error"]);
    if (json.is_object() && json.contains("message")) return message_in(json["message"]);
    if (json.is_object() && json.contains("detail")) return message_in(json["detail"]);
  } catch (const Error&) {  // not JSON: a proxy's page, or a cut body, shown as it is
  }
  return std::string(body);
}

}  // namespace caravan::load
