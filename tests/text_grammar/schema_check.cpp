#include "text_grammar/schema_check.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/regex.h"

namespace caravan::test {

namespace {

bool is_of(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "null") return value.is_null();
  return value.type_name() == type;
}

size_t characters(const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += utf8_length_at(text, at)) ++count;
  return count;
}

std::string against_string(const Json& schema, const std::string& text) {
  if (schema.contains("minLength") && characters(text) < schema["minLength"]) return "too short: " + text;
  if (schema.contains("maxLength") && characters(text) > schema["maxLength"]) return "too long: " + text;
  if (schema.contains("pattern") && !text.empty() &&
      Regex(schema["pattern"].get<std::string>(), "a test").find_all(text).empty()) {
    return "not of the pattern: " + text;
  }
  return "";
}

std::string against_number(const Json& schema, const Json& value) {
  const auto number = value.get<double>();
  if (schema.contains("minimum") && number < schema["minimum"]) return "too small: " + value.dump();
  if (schema.contains("maximum") && number > schema["maximum"]) return "too large: " + value.dump();
  if (schema.contains("exclusiveMinimum") && number <= schema["exclusiveMinimum"])
    return "too small: " + value.dump();
  if (schema.contains("exclusiveMaximum") && number >= schema["exclusiveMaximum"])
    return "too large: " + value.dump();
  return "";
}

std::string against_array(const Json& schema, const Json& value, const Json& root) {
  if (schema.contains("minItems") && value.size() < schema["minItems"]) return "too few items";
  if (schema.contains("maxItems") && value.size() > schema["maxItems"]) return "too many items";
  const size_t prefix = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const Json item = i < prefix ? schema["prefixItems"][i] : schema.value("items", Json(true));
    if (std::string wrong = against(item, value[i], root); !wrong.empty()) return wrong;
  }
  return "";
}

std::string against_object(const Json& schema, const Json& value, const Json& root) {
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) return "missing: " + name.dump();
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, member] : value.items()) {
    const Json own =
        properties.contains(name) ? properties[name] : schema.value("additionalProperties", Json(true));
    if (std::string wrong = against(own, member, root); !wrong.empty()) return wrong.insert(0, name + ": ");
  }
  return "";
}

std::string against_combinations(const Json& schema, const Json& value, const Json& root) {
  for (const char* key : {"anyOf", "oneOf"}) {
    if (!schema.contains(key)) continue;
    const Json& options = schema[key];
    const bool any = std::any_of(options.begin(), options.end(),
                                 [&](const Json& option) { return against(option, value, root).empty(); });
    if (!any) return "none of " + std::string(key) + ": " + value.dump();
  }
  for (const Json& part : schema.value("allOf", Json::array())) {
    if (std::string wrong = against(part, value, root); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace

std::string against(const Json& schema, const Json& value, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>() ? "" : "not allowed: " + value.dump();
  if (schema.value("nullable", false) && value.is_null()) return "";
  if (schema.contains("$ref")) {
    const auto place = Json::json_pointer(schema["$ref"].get<std::string>().substr(1));
    if (std::string wrong = against(root.at(place), value, root); !wrong.empty()) return wrong;
  }
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    const bool any = std::any_of(types.begin(), types.end(),
                                 [&](const Json& type) { return is_of(value, type.get<std::string>()); });
    if (!any) return "not of the type: " + value.dump();
  }
  if (schema.contains("const") && schema["const"] != value) return "not the constant: " + value.dump();
  if (schema.contains("enum")) {
    const Json& all = schema["enum"];
    if (std::find(all.begin(), all.end(), value) == all.end()) return "not in the list: " + value.dump();
  }
  if (std::string wrong = against_combinations(schema, value, root); !wrong.empty()) return wrong;
  if (value.is_string()) return against_string(schema, value.get<std::string>());
  if (value.is_number()) return against_number(schema, value);
  if (value.is_array()) return against_array(schema, value, root);
  return value.is_object() ? against_object(schema, value, root) : "";
}

}  // namespace caravan::test
