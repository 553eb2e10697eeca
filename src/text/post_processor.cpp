#include "text/post_processor.h"

#include "base/error.h"

namespace caravan {

namespace {

/// The ids that "special_tokens" gives the name in a {"SpecialToken": {"id": name}} of a template.
void append_special(const JsonObject& item, const JsonObject& object, std::vector<int32_t>& ids,
                    int32_t vocab) {
  const std::optional<JsonObject> reference = item.object("SpecialToken");
  if (!reference) object.wrong("single", "a list of SpecialToken and Sequence");
  const std::string name = reference->string("id");
  const std::optional<JsonObject> table = object.object("special_tokens");
  const std::optional<JsonObject> token = table ? table->object(name) : std::nullopt;
  const Json* values = token ? token->array("ids") : nullptr;
  if (values == nullptr) {
    fail(object.source(), ": the post-processor names the special token ", in_quotes(name),
         ", which its \"special_tokens\" do not have");
  }
  for (const Json& id : *values) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= static_cast<uint64_t>(vocab)) {
      fail(object.source(), ": the special token ", in_quotes(name), " has the id ", describe(id),
           ", expected one below ", vocab);
    }
    ids.push_back(id.get<int32_t>());
  }
}

void parse_template(const JsonObject& object, TokenizerParts& parts) {
  const Json* single = object.array("single");
  if (single == nullptr) object.wrong("single", "a list of SpecialToken and Sequence");
  bool before = true;
  for (const Json& entry : *single) {
    const JsonObject item(entry, object.source(), "post_processor.single");
    if (item.has("Sequence")) {
      if (!before) object.wrong("single", "one Sequence");
      before = false;
    } else {
      append_special(item, object, before ? parts.prefix : parts.suffix,
                     static_cast<int32_t>(parts.tokens.size()));
    }
  }
  if (before) object.wrong("single", "a list with a Sequence");
}

}  // namespace

void parse_post_processor(const Json& json, const std::string& source, TokenizerParts& parts) {
  const JsonObject object(json, source, "post_processor");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    const Json* processors = object.array("processors");
    if (processors == nullptr) object.wrong("processors", "a list of post-processors");
    for (const Json& part : *processors) parse_post_processor(part, source, parts);
  } else if (type == "TemplateProcessing") {
    parse_template(object, parts);
  } else if (type != "ByteLevel") {
    fail(source, ": the post-processor ", in_quotes(type),
         " is not supported, expected TemplateProcessing, ByteLevel or Sequence");
  }
}

}  // namespace caravan
