#include "text/decoder.h"

#include "base/error.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/growth.h"
#include "text/metaspace.h"

namespace caravan {

namespace {

constexpr int64_t kMaxStrip = 1000;

void add_strip(const JsonObject& object, DecodeRules& rules) {
  // What every published LLaMA tokenizer says; anything else would have to know where a text ends.
  const bool one_leading_space = object.string("content") == " " &&
                                 object.integer("start", 0, kMaxStrip) == 1 &&
                                 object.integer("stop", 0, kMaxStrip) == 0;
  if (!one_leading_space) {
    fail(object.source(), ": the decoder \"Strip\" is supported only with content \" \", start 1 and stop 0");
  }
  rules.strip_leading_space = true;
}

void add_rules(const Json& json, const std::string& source, DecodeRules& rules) {
  const JsonObject object(json, source, "decoder");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    const Json* parts = object.array("decoders");
    if (parts == nullptr) object.wrong("decoders", "a list of decoders");
    for (const Json& part : *parts) {
      add_rules(part, source, rules);
      if (rules.replacements.size() > kMaxSteps) fail(source, ": has more than ", kMaxSteps, " decoders");
    }
  } else if (type == "Replace") {
    const std::optional<JsonObject> pattern = object.object("pattern");
    if (!pattern || !pattern->has("String") || pattern->string("String").empty()) {
      object.wrong("pattern", "an object with a \"String\" that is not empty");
    }
    rules.replacements.emplace_back(pattern->string("String"), object.string("content"));
    if (rules.replacements.back().second.size() > kMaxGrowth) {
      object.wrong("content", "a text of at most 32 bytes");
    }
  } else if (type == "ByteFallback") {
    rules.byte_fallback = true;
  } else if (type == "ByteLevel") {
    rules.byte_level = true;
  } else if (type == "Metaspace") {
    const MetaspaceRules metaspace = parse_metaspace(object);
    rules.replacements.emplace_back(metaspace.replacement, " ");
    rules.strip_leading_space = metaspace.prepend != PrependScheme::kNever;
  } else if (type == "Strip") {
    add_strip(object, rules);
  } else if (type != "Fuse") {
    fail(source, ": the decoder ", in_quotes(type),
         " is not supported, expected Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel or Metaspace");
  }
}

}  // namespace

TokenBytes DecodeRules::bytes_of(const std::string& token) const {
  if (byte_fallback) {
    if (const auto byte = byte_of_token(token)) return {std::string(1, static_cast<char>(*byte)), true};
  }
  std::string text = token;
  for (const auto& [from, to] : replacements) {
    text = replace_all(text, from, to);
    check_growth("decoders", token.size(), text.size());
  }
  return {byte_level ? from_byte_level(text) : text, false};
}

DecodeRules parse_decoder(const Json& json, const std::string& source) {
  DecodeRules rules;
  add_rules(json, source, rules);
  return rules;
}

DecodeRules sentencepiece_rules(bool strip_leading_space) {
  DecodeRules rules;
  rules.replacements.emplace_back("\xE2\x96\x81", " ");
  rules.byte_fallback = true;
  rules.strip_leading_space = strip_leading_space;
  return rules;
}

}  // namespace caravan
