#include "text/metaspace.h"

#include "base/utf8.h"

namespace caravan {

MetaspaceRules parse_metaspace(const JsonObject& object) {
  MetaspaceRules rules;
  rules.replacement = object.string_or("replacement", rules.replacement);
  if (rules.replacement.empty() || utf8_length_at(rules.replacement, 0) != rules.replacement.size())
    object.wrong("replacement", "one character");
  rules.split = object.boolean_or("split", true);
  const bool prefix = object.boolean_or("add_prefix_space", true);
  const std::string scheme = object.string_or("prepend_scheme", prefix ? "always" : "never");
  if (scheme == "first") {
    rules.prepend = PrependScheme::kFirst;
  } else if (scheme == "never") {
    rules.prepend = PrependScheme::kNever;
  } else if (scheme != "always") {
    object.wrong("prepend_scheme", "always, first or never");
  }
  return rules;
}

std::string with_metaspaces(const MetaspaceRules& rules, const std::string& text, bool at_start) {
  std::string out = replace_all(text, " ", rules.replacement);
  const bool wanted =
      rules.prepend == PrependScheme::kAlways || (rules.prepend == PrependScheme::kFirst && at_start);
  if (wanted && !out.empty() && !out.starts_with(rules.replacement)) out = rules.replacement + out;
  return out;
}

std::string replace_all(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  size_t at = 0;
  for (size_t found = text.find(from); found != std::string::npos; found = text.find(from, at)) {
    out.append(text, at, found - at);
    out += to;
    at = found + from.size();
  }
  return out.append(text, at);
}

}  // namespace caravan
