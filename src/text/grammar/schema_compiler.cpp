#include "text/grammar/schema_compiler.h"

#include <algorithm>

#include "base/error.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/literals.h"

namespace caravan::grammar {

namespace {

const std::set<std::string>& all_types() {
  static const std::set<std::string> kTypes = {"object",  "array",   "string", "number",
                                               "integer", "boolean", "null"};
  return kTypes;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

Json without(Json schema, const std::string& key) {
  schema.erase(key);
  return schema;
}

std::string checked(const std::string& text) {
  check_guide_text(text, "the JSON schema");
  return text;
}

}  // namespace

SchemaCompiler::SchemaCompiler(const std::string& text)
    : builder_("the JSON schema"), document_(checked(text), "the JSON schema"), json_(builder_) {}

Grammar SchemaCompiler::compile() {
  const uint32_t root = builder_.declare("root");
  references_.emplace("#", root);
  builder_.define(root, {value(document_.root(), "#")});
  while (!pending_.empty()) {
    const std::string next = pending_.front();
    pending_.pop_front();
    builder_.define(references_.at(next), {value(document_.at(next), next)});
  }
  return builder_.take(root);
}

Sequence SchemaCompiler::value(const Json& schema, const std::string& where) {
  if (schema.is_boolean()) return schema.get<bool>() ? json_.value() : builder_.any_of({});
  if (!schema.is_object()) document_.wrong(where, "found " + describe(schema) + ", expected a schema");
  // Deeper than any schema's text can be: merged schemas can go round and round.
  if (depth_ >= 2 * kMaxJsonDepth) document_.wrong(where, "schemas are nested without end or too deep");
  ++depth_;
  document_.check_keywords(schema, where);
  Sequence out;
  const auto nullable = schema.find("nullable");
  if (nullable != schema.end() && !nullable->is_boolean()) {
    document_.wrong(where, "nullable is " + describe(*nullable) + ", expected true or false");
  }
  if (nullable != schema.end() && nullable->get<bool>()) {
    out = builder_.any_of({object_schema(without(schema, "nullable"), where), builder_.literal("null")});
  } else {
    out = object_schema(schema, where);
  }
  --depth_;
  return out;
}

Sequence SchemaCompiler::object_schema(const Json& schema, const std::string& where) {
  if (const auto target = schema.find("$ref"); target != schema.end()) {
    if (!SchemaDocument::constrains(schema, {"$ref"})) return reference(*target, where);
    return value(document_.without_reference(schema, where), where);
  }
  if (schema.contains("allOf")) return all_schemas(schema, where);
  if (schema.contains("anyOf")) return any_schema(schema, "anyOf", where);
  if (schema.contains("oneOf")) return any_schema(schema, "oneOf", where);
  if (schema.contains("enum") || schema.contains("const")) return literals(schema, where);
  std::vector<Sequence> alternatives;
  for (const std::string& type : types(schema, where)) alternatives.push_back(of_type(type, schema, where));
  return builder_.any_of(std::move(alternatives));
}

Sequence SchemaCompiler::reference(const Json& target, const std::string& where) {
  if (!target.is_string()) document_.wrong(where, "$ref is " + describe(target) + ", expected a string");
  const std::string name = target.get<std::string>();
  const auto [found, is_new] = references_.try_emplace(name);
  if (is_new) {
    (void)document_.at(name);  // so that a wrong one is found here
    found->second = builder_.declare(name);
    pending_.push_back(name);
  }
  return GrammarBuilder::rule(found->second);
}

Sequence SchemaCompiler::any_schema(const Json& schema, const std::string& key, const std::string& where) {
  const Json& options = schema[key];
  if (!options.is_array() || options.empty()) {
    document_.wrong(where, key + " is " + describe(options) + ", expected an array of schemas");
  }
  const Json base = without(schema, key);
  const bool alone = !SchemaDocument::constrains(base, {});
  std::string base_place = where;
  base_place += "/" + key + "/";
  std::vector<Sequence> alternatives;
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string place = base_place + std::to_string(i);
    alternatives.push_back(value(alone ? options[i] : document_.merged(base, options[i], place), place));
  }
  return builder_.any_of(std::move(alternatives));
}

Sequence SchemaCompiler::all_schemas(const Json& schema, const std::string& where) {
  const Json& parts = schema["allOf"];
  if (!parts.is_array() || parts.empty()) {
    document_.wrong(where, "allOf is " + describe(parts) + ", expected an array of schemas");
  }
  const Json base = without(schema, "allOf");
  if (parts.size() == 1 && !SchemaDocument::constrains(base, {})) return value(parts[0], where + "/allOf/0");
  Json all = base;
  for (size_t i = 0; i < parts.size(); ++i) {
    all = document_.merged(all, parts[i], where + "/allOf/" + std::to_string(i));
  }
  return value(all, where);
}

std::set<std::string> SchemaCompiler::types(const Json& schema, const std::string& where) const {
  std::set<std::string> out;
  if (const auto type = schema.find("type"); type != schema.end()) {
    const Json list = type->is_array() ? *type : Json::array({*type});
    for (const Json& name : list) {
      if (!name.is_string() || !all_types().contains(name.get<std::string>())) {
        document_.wrong(where, "type is " + describe(name) +
                                   ", expected object, array, string, number, integer, boolean or null");
      }
      out.insert(name.get<std::string>());
    }
    return out;
  }
  static const std::map<std::string, std::vector<std::string>> kKeywords = {
      {"object", {"properties", "required", "additionalProperties"}},
      {"array", {"items", "prefixItems", "minItems", "maxItems"}},
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}}};
  for (const auto& [type, keywords] : kKeywords) {
    const bool any = std::any_of(keywords.begin(), keywords.end(),
                                 [&schema = schema](const std::string& key) { return schema.contains(key); });
    if (any) out.insert(type);
  }
  return out.empty() ? all_types() : out;
}

Sequence SchemaCompiler::literals(const Json& schema, const std::string& where) {
  if (SchemaDocument::constrains(schema, {"enum", "const", "type"})) {
    document_.wrong(where, "enum and const are supported beside type only");
  }
  Json values = Json::array();
  if (const auto list = schema.find("enum"); list != schema.end()) {
    if (!list->is_array() || list->empty()) {
      document_.wrong(where, "enum is " + describe(*list) + ", expected an array of values");
    }
    values = *list;
  } else {
    values.push_back(schema["const"]);
  }
  const std::set<std::string> wanted = types(schema, where);
  std::vector<std::string> texts;
  for (const Json& one : values) {
    const bool fits = std::any_of(wanted.begin(), wanted.end(),
                                  [&one = one](const std::string& type) { return has_type(one, type); });
    const auto only = schema.find("const");
    if (fits && (only == schema.end() || *only == one)) texts.push_back(one.dump());
  }
  if (texts.empty()) document_.wrong(where, "no value of enum or const is of the type");
  return any_literal(builder_, std::move(texts));
}

Sequence SchemaCompiler::of_type(const std::string& type, const Json& schema, const std::string& where) {
  if (type == "object") return object(schema, where);
  if (type == "array") return array(schema, where);
  if (type == "string") return string(schema, where);
  if (type == "number") return number(schema, where);
  if (type == "integer") return integer(schema, where);
  if (type == "boolean") return builder_.any_of({builder_.literal("true"), builder_.literal("false")});
  return builder_.literal("null");
}

Grammar json_schema_grammar(const std::string& text) { return SchemaCompiler(text).compile(); }

}  // namespace caravan::grammar
