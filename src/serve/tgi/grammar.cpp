#include "serve/tgi/grammar.h"

#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

/// A schema may be written as an object, or as the text of one.
std::string schema_text(const Fields& holder, const std::string& name) {
  const Json* value = holder.find(name);
  if (value != nullptr && value->is_object()) return value->dump();
  if (value == nullptr || !value->is_string()) holder.wrong(name, "a JSON schema");
  try {
    const Json parsed = parse_json(value->get<std::string>(), "grammar is not valid");
    if (!parsed.is_object()) holder.wrong(name, "a JSON schema");
    return parsed.dump();
  } catch (const RequestError&) {
    throw;
  } catch (const Error& error) {
    invalid(error.what(), holder.path_of(name));
  }
}

}  // namespace

GuideSpec read_tgi_grammar(const Fields& grammar) {
  const auto type = grammar.string("type");
  if (!type) grammar.wrong("type", "\"json\", \"regex\" or \"json_schema\"");
  if (*type == "json" || *type == "json_object") {
    return {GuideSpec::Kind::kJsonSchema, schema_text(grammar, "value"), {}};
  }
  if (*type == "regex") {
    const auto pattern = grammar.string("value");
    if (!pattern) grammar.wrong("value", "a regular expression");
    return {GuideSpec::Kind::kRegex, *pattern, {}};
  }
  if (*type == "json_schema") {
    const auto value = grammar.object("value");
    if (!value) grammar.wrong("value", "an object with a \"schema\"");
    return {GuideSpec::Kind::kJsonSchema, schema_text(*value, "schema"), {}};
  }
  grammar.wrong("type", "\"json\", \"regex\" or \"json_schema\"");
}

}  // namespace caravan::serve
