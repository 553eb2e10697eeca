#include "serve/api/guide_fields.h"

#include <array>
#include <vector>

#include "serve/api/failure.h"

namespace caravan::serve {

namespace {

using Kind = GuideSpec::Kind;

GuideSpec schema_guide(const Json& schema) { return {Kind::kJsonSchema, schema.dump(), {}}; }

/// A schema as an object, or, as vLLM also takes it, as the text of one.
GuideSpec schema_of(const Json& value, const std::string& field) {
  const std::string expected = "a JSON schema: an object, or one as a string";
  if (value.is_object()) return schema_guide(value);
  if (!value.is_string()) wrong_field(field, describe(value), expected);
  try {
    const Json schema = parse_json(value.get<std::string>(), "the schema");
    if (schema.is_object()) return schema_guide(schema);
  } catch (const Error&) {
    wrong_field(field, describe(value), expected);
  }
  wrong_field(field, describe(value), expected);
}

GuideSpec text_guide(Kind kind, const Json& value, const std::string& field) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    wrong_field(field, describe(value), "a string that is not empty");
  return {kind, value.get<std::string>(), {}};
}

GuideSpec choice_guide(const Json& value, const std::string& field) {
  const std::string expected = "a list of at least one string";
  if (!value.is_array() || value.empty()) wrong_field(field, describe(value), expected);
  GuideSpec spec{Kind::kChoice, {}, {}};
  for (const Json& item : value) {
    if (!item.is_string()) wrong_field(field, "a list with " + describe(item), expected);
    spec.choices.push_back(item.get<std::string>());
  }
  return spec;
}

GuideSpec guide_of(const std::string& form, const Json& value, const std::string& field) {
  if (form == "json") return schema_of(value, field);
  if (form == "regex") return text_guide(Kind::kRegex, value, field);
  if (form == "grammar") return text_guide(Kind::kGrammar, value, field);
  return choice_guide(value, field);
}

constexpr std::array kForms = {"json", "regex", "choice", "grammar"};

/// OpenAI's forms, and TGI's with a "value", into which huggingface_hub rewrites OpenAI's "json_schema".
std::optional<GuideSpec> response_format(const Fields& fields) {
  const auto format = fields.object("response_format");
  if (!format) return std::nullopt;
  const std::string expected = R"("text", "json_object" or "json_schema")";
  const std::string type = format->string("type").value_or("");
  if (type == "text") return std::nullopt;
  if (const Json* value = format->find("value")) {
    const std::string field = format->path_of("value");
    if (type == "json_object" || type == "json") return schema_of(*value, field);
    if (type == "regex") return text_guide(Kind::kRegex, *value, field);
  }
  if (type == "json_object") return GuideSpec{Kind::kJsonObject, {}, {}};
  if (type != "json_schema") format->wrong("type", expected);
  const auto described = format->object("json_schema");
  if (!described) format->wrong("json_schema", "an object with \"name\" and \"schema\"");
  if (!described->string("name")) described->wrong("name", "a string");
  const Json* schema = described->find("schema");
  if (schema == nullptr) return GuideSpec{Kind::kJsonObject, {}, {}};
  if (!schema->is_object()) described->wrong("schema", "an object");
  return schema_guide(*schema);
}

}  // namespace

std::optional<GuideField> read_guide(const Fields& fields) {
  std::vector<GuideField> found;
  if (auto spec = response_format(fields)) found.push_back({std::move(*spec), "response_format"});
  for (const std::string form : kForms) {
    const std::string field = "guided_" + form;
    if (const Json* value = fields.find(field)) found.push_back({guide_of(form, *value, field), field});
  }
  if (const auto outputs = fields.object("structured_outputs")) {
    for (const std::string form : kForms) {
      const std::string field = outputs->path_of(form);
      if (const Json* value = outputs->find(form)) found.push_back({guide_of(form, *value, field), field});
    }
    if (outputs->boolean("json_object").value_or(false))
      found.push_back({{Kind::kJsonObject, {}, {}}, outputs->path_of("json_object")});
    for (const char* other : {"structural_tag", "whitespace_pattern"})
      if (outputs->has(other)) outputs->wrong(other, "nothing: this server does not support it");
  }
  for (const char* other : {"guided_whitespace_pattern", "structural_tag"})
    if (fields.has(other)) fields.wrong(other, "nothing: this server does not support it");
  if (found.size() > 1) {
    throw RequestError({FailureKind::kInvalid,
                        "\"" + found[1].field + "\" and \"" + found[0].field +
                            "\" both say what the answer must match, expected one of them",
                        found[1].field, ""});
  }
  if (found.empty()) return std::nullopt;
  return std::move(found[0]);
}

}  // namespace caravan::serve
