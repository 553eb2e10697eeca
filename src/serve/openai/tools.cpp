#include "serve/openai/tools.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace caravan::serve::openai {

namespace {

constexpr size_t kMaxTools = 128;
constexpr size_t kMaxNameLength = 64;

struct Tool {
  std::string name;
  Json parameters = Json::object();
};

bool is_function_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameLength && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Tool read_tool(const Json& json, const std::string& path) {
  const Fields tool(json, path);
  if (tool.string("type") != "function") tool.wrong("type", "\"function\"");
  const auto function = tool.object("function");
  if (!function) tool.wrong("function", "an object with \"name\" and \"parameters\"");
  const auto name = function->string("name");
  if (!name || !is_function_name(*name))
    function->wrong("name", "1 to 64 letters, digits, underscores and dashes");
  // Of the right type, if they are there; the template reads them.
  static_cast<void>(function->string("description"));
  static_cast<void>(function->boolean("strict"));
  Tool read{*name};
  if (function->object("parameters")) read.parameters = *function->find("parameters");
  return read;
}

std::vector<Tool> tool_list(const Fields& fields) {
  const Json* list = fields.array("tools");
  std::vector<Tool> tools;
  if (list == nullptr) return tools;
  if (list->size() > kMaxTools) fields.wrong("tools", "at most " + std::to_string(kMaxTools));
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string path = "tools[" + std::to_string(i) + "]";
    Tool tool = read_tool((*list)[i], path);
    const auto same = [&](const Tool& other) { return other.name == tool.name; };
    if (std::any_of(tools.begin(), tools.end(), same))
      wrong_field(path + ".function.name", in_quotes(tool.name) + " again", "each name once");
    tools.push_back(std::move(tool));
  }
  return tools;
}

/// Points every reference of a schema that has become a part of another at its new place. Says whether there
/// is any.
bool move_references(Json& schema, const std::string& place) {
  bool any = false;
  if (schema.is_object()) {
    const auto reference = schema.find("$ref");
    if (reference != schema.end() && reference->is_string() &&
        reference->get_ref<const std::string&>().starts_with("#")) {
      *reference = place + reference->get<std::string>().substr(1);
      any = true;
    }
  }
  if (schema.is_structured())
    for (Json& part : schema) any = move_references(part, place) || any;
  return any;
}

/// The schema of a call of one function; what it refers to goes into `definitions`.
Json call_schema(const Tool& tool, Json& definitions) {
  Json parameters = tool.parameters;
  if (parameters.empty()) parameters["type"] = "object";
  const std::string place = "#/$defs/" + tool.name;
  if (move_references(parameters, place)) {
    definitions[tool.name] = std::move(parameters);
    parameters = {{"$ref", place}};
  }
  return {{"type", "object"},
          {"properties", {{"name", {{"const", tool.name}}}, {"parameters", std::move(parameters)}}},
          {"required", {"name", "parameters"}},
          {"additionalProperties", false}};
}

GuideSpec guide_of(const std::vector<Tool>& tools, bool one_only) {
  Json definitions = Json::object();
  Json calls = Json::array();
  for (const Tool& tool : tools) calls.push_back(call_schema(tool, definitions));
  Json schema = calls.size() == 1 ? calls[0] : Json{{"anyOf", calls}};
  if (!one_only) schema = {{"type", "array"}, {"minItems", 1}, {"items", std::move(schema)}};
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return {GuideSpec::Kind::kJsonSchema, schema.dump(), {}};
}

/// The one tool that `tool_choice` names.
Tool chosen(const std::vector<Tool>& tools, const Json& choice) {
  const Fields fields(choice, "tool_choice");
  if (fields.string("type") != "function") fields.wrong("type", "\"function\"");
  const auto function = fields.object("function");
  if (!function) fields.wrong("function", "an object with \"name\"");
  const auto name = function->string("name");
  for (const Tool& tool : tools)
    if (tool.name == name) return tool;
  function->wrong("name", "the name of one of the \"tools\"");
}

}  // namespace

ToolUse read_tools(const Fields& fields) {
  for (const char* old : {"functions", "function_call"})
    if (fields.has(old)) fields.wrong(old, "nothing: \"tools\" and \"tool_choice\" have replaced it");
  const std::vector<Tool> tools = tool_list(fields);
  ToolUse use;
  use.one_only = !fields.boolean("parallel_tool_calls").value_or(true);
  const Json* choice = fields.find("tool_choice");
  const bool none = choice == nullptr ? tools.empty() : *choice == "none";
  if (none) return use;
  if (tools.empty()) fields.wrong("tool_choice", "\"none\" or nothing without \"tools\"");
  use.shown = fields.find("tools");
  for (const Tool& tool : tools) use.callable.insert(tool.name);
  if (choice == nullptr || *choice == "auto") return use;
  if (*choice == "required") {
    use.guide = guide_of(tools, use.one_only);
    return use;
  }
  if (!choice->is_object())
    fields.wrong("tool_choice", R"("none", "auto", "required" or a function's name in an object)");
  const Tool tool = chosen(tools, *choice);
  use.callable = {tool.name};
  use.one_only = true;
  use.guide = guide_of({tool}, true);
  return use;
}

}  // namespace caravan::serve::openai
