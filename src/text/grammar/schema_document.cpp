#include "text/grammar/schema_document.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/error.h"

namespace caravan::grammar {

namespace {

const std::set<std::string>& annotations() {
  static const std::set<std::string> kNames = {
      "title",          "description", "default",  "examples",      "example",      "$comment",
      "$schema",        "$id",         "$defs",    "$anchor",       "definitions",  "readOnly",
      "writeOnly",      "deprecated",  "nullable", "discriminator", "externalDocs", "contentMediaType",
      "contentEncoding"};
  return kNames;
}

const std::set<std::string>& supported() {
  static const std::set<std::string> kNames = {"type",
                                               "properties",
                                               "required",
                                               "additionalProperties",
                                               "items",
                                               "prefixItems",
                                               "minItems",
                                               "maxItems",
                                               "enum",
                                               "const",
                                               "anyOf",
                                               "oneOf",
                                               "allOf",
                                               "$ref",
                                               "pattern",
                                               "format",
                                               "minLength",
                                               "maxLength",
                                               "minimum",
                                               "maximum",
                                               "exclusiveMinimum",
                                               "exclusiveMaximum"};
  return kNames;
}

/// Keywords that constrain nothing with this value.
bool is_trivial(const std::string& key, const Json& value) {
  if (key == "uniqueItems") return value == false;
  if (key == "minProperties") return value == 0;
  return key == "unevaluatedProperties" && value == true;
}

bool is_annotation(const std::string& key) { return annotations().contains(key) || key.starts_with("x-"); }

/// "~1" is "/", "~0" is "~" (RFC 6901); "%25" and the like, which a URI fragment may have, are left alone.
std::string unescaped(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

std::set<std::string> types_of(const Json& type) {
  std::set<std::string> out;
  const auto add = [&](const Json& name) {
    if (name.is_string()) out.insert(name.get<std::string>());
  };
  if (type.is_array()) {
    for (const Json& name : type) add(name);
  } else {
    add(type);
  }
  return out;
}

Json common_types(const Json& a, const Json& b) {
  std::set<std::string> both;
  const std::set<std::string> ours = types_of(a);
  const std::set<std::string> theirs = types_of(b);
  for (const std::string& name : ours) {
    if (theirs.contains(name) || (name == "integer" && theirs.contains("number"))) both.insert(name);
  }
  if (ours.contains("number") && theirs.contains("integer")) both.insert("integer");
  Json out = both;
  return out;
}

}  // namespace

SchemaDocument::SchemaDocument(const std::string& text, std::string source)
    : root_(parse_json(text, source)), source_(std::move(source)) {}

void SchemaDocument::wrong(const std::string& where, const std::string& what) const {
  fail(source_, ": at ", in_quotes(where), ": ", what);
}

const Json& SchemaDocument::at(const std::string& reference) const {
  if (reference == "#") return root_;
  if (!reference.starts_with("#/")) {
    fail(source_, ": $ref is ", in_quotes(reference), ", expected # or #/… (a place in the same schema)");
  }
  const Json* here = &root_;
  for (size_t begin = 2; begin <= reference.size();) {
    const size_t end = std::min(reference.find('/', begin), reference.size());
    const std::string token = unescaped(std::string_view(reference).substr(begin, end - begin));
    const bool is_index =
        !token.empty() && token.size() < 7 &&
        std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (here->is_object() && here->contains(token)) {
      here = &(*here)[token];
    } else if (here->is_array() && is_index && std::stoul(token) < here->size()) {
      here = &(*here)[std::stoul(token)];
    } else {
      fail(source_, ": $ref is ", in_quotes(reference), ", which is nowhere in the schema");
    }
    begin = end + 1;
  }
  return *here;
}

void SchemaDocument::check_keywords(const Json& schema, const std::string& where) const {
  for (const auto& [key, value] : schema.items()) {
    if (is_annotation(key) || supported().contains(key) || is_trivial(key, value)) continue;
    wrong(where, "the keyword " + in_quotes(key) + " is not supported");
  }
}

bool SchemaDocument::constrains(const Json& schema, const std::vector<std::string>& except) {
  return std::any_of(schema.items().begin(), schema.items().end(), [&](const auto& item) {
    const bool is_excepted = std::find(except.begin(), except.end(), item.key()) != except.end();
    return !is_excepted && !is_annotation(item.key()) && !is_trivial(item.key(), item.value());
  });
}

Json SchemaDocument::without_reference(const Json& schema, const std::string& where, int depth) const {
  const auto reference = schema.find("$ref");
  if (reference == schema.end()) return schema;
  if (!reference->is_string()) wrong(where, "$ref is " + describe(*reference) + ", expected a string");
  Json rest = schema;
  rest.erase("$ref");
  return merged(at(reference->get<std::string>()), rest, where, depth + 1);
}

Json SchemaDocument::merged(const Json& a, const Json& b, const std::string& where) const {
  return merged(a, b, where, 0);
}

Json SchemaDocument::merged(const Json& a, const Json& b, const std::string& where, int depth) const {
  constexpr int kMaxMerges = 1000;
  constexpr int kMaxReferences = 50;
  if (depth > kMaxReferences) wrong(where, "a $ref leads back to itself");
  if (++merges_ > kMaxMerges) {
    wrong(where,
          "more than " + std::to_string(kMaxMerges) + " schemas are to be merged, expected fewer allOf");
  }
  if (a == false || b == false) return false;
  if (a == true) return b;
  if (b == true) return a;
  for (const Json* schema : {&a, &b}) {
    if (!schema->is_object()) wrong(where, "found " + describe(*schema) + ", expected a schema");
    check_keywords(*schema, where);
  }
  Json out = without_reference(a, where, depth);
  const Json more = without_reference(b, where, depth);
  if (!out.is_object() || !more.is_object()) return merged(out, more, where, depth + 1);
  check_additional(out, more, where);
  check_additional(more, out, where);
  for (const auto& [key, value] : more.items()) merge_keyword(out, key, value, where);
  return out;
}

void SchemaDocument::check_additional(const Json& closed, const Json& other, const std::string& where) const {
  const auto additional = closed.find("additionalProperties");
  if (additional == closed.end() || *additional == true) return;
  const auto listed = other.find("properties");
  if (listed == other.end() || !listed->is_object()) return;
  const auto own = closed.find("properties");
  for (const auto& [name, unused] : listed->items()) {
    if (own != closed.end() && own->is_object() && own->contains(name)) continue;
    wrong(where,
          "the property " + in_quotes(name) +
              " is listed in one schema and left to additionalProperties in another that must hold, too");
  }
}

void SchemaDocument::merge_keyword(Json& into, const std::string& key, const Json& value,
                                   const std::string& where) const {
  constexpr std::array<std::string_view, 4> kLeast = {"minimum", "exclusiveMinimum", "minLength", "minItems"};
  constexpr std::array<std::string_view, 4> kMost = {"maximum", "exclusiveMaximum", "maxLength", "maxItems"};
  const auto is_one_of = [&](const auto& names) {
    return std::find(names.begin(), names.end(), key) != names.end();
  };
  const auto found = into.find(key);
  if (found == into.end()) {
    into[key] = value;
  } else if (*found == value || is_annotation(key) || (key == "additionalProperties" && value == true)) {
    return;
  } else if (key == "additionalProperties" && *found == true) {
    *found = value;
  } else if (key == "type") {
    *found = common_types(*found, value);
  } else if (key == "properties" && found->is_object() && value.is_object()) {
    merge_properties(*found, value);
  } else if (key == "required" && found->is_array() && value.is_array()) {
    for (const Json& name : value) {
      if (std::find(found->begin(), found->end(), name) == found->end()) found->push_back(name);
    }
  } else if (is_one_of(kLeast) && found->is_number() && value.is_number()) {
    *found = std::max(*found, value);
  } else if (is_one_of(kMost) && found->is_number() && value.is_number()) {
    *found = std::min(*found, value);
  } else {
    wrong(where, "the keyword " + in_quotes(key) +
                     " stands in two schemas that must both hold, with different values");
  }
}

void SchemaDocument::merge_properties(Json& into, const Json& more) const {
  for (const auto& [name, schema] : more.items()) {
    const auto found = into.find(name);
    if (found == into.end()) {
      into[name] = schema;
    } else if (*found != schema) {
      *found = Json{{"allOf", Json::array({*found, schema})}};
    }
  }
}

}  // namespace caravan::grammar
