#include "text/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>

#include "base/error.h"
#include "text/growth.h"

namespace caravan {

namespace {

std::string unicode_form(const std::string& text, utf8proc_option_t options) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  if (length < 0) fail("the text cannot be normalized: ", utf8proc_errmsg(length));
  std::string out(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
  std::free(mapped);
  return out;
}

Normalize unicode_step(int options) {
  const auto typed = static_cast<utf8proc_option_t>(options);
  return [typed](const std::string& text) { return unicode_form(text, typed); };
}

std::string replaced(const std::string& text, const std::vector<TextSpan>& matches,
                     const std::string& content) {
  check_growth("normalizers", text.size(), text.size() + matches.size() * content.size());
  std::string out;
  size_t at = 0;
  for (const TextSpan& match : matches) {
    out.append(text, at, match.begin - at);
    out += content;
    at = match.end;
  }
  return out.append(text, at);
}

std::string stripped(const std::string& text, bool left, bool right) {
  static const std::string kSpaces = " \t\n\r\v\f";
  const size_t begin = left ? text.find_first_not_of(kSpaces) : 0;
  if (begin == std::string::npos) return "";
  const size_t end = right ? text.find_last_not_of(kSpaces) + 1 : text.size();
  return text.substr(begin, end - begin);
}

}  // namespace

FindAll parse_pattern(const JsonObject& object, const std::string& source) {
  const std::optional<JsonObject> pattern = object.object("pattern");
  if (pattern && pattern->has("Regex")) {
    const Regex regex(pattern->string("Regex"), source);
    return [regex](const std::string& text) { return regex.find_all(text); };
  }
  if (!pattern || !pattern->has("String")) object.wrong("pattern", "an object with \"String\" or \"Regex\"");
  const std::string needle = pattern->string("String");
  return [needle](const std::string& text) {
    std::vector<TextSpan> matches;
    if (needle.empty()) return matches;
    for (size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + needle.size())) {
      matches.push_back({at, at + needle.size()});
    }
    return matches;
  };
}

std::vector<Normalize> parse_normalizers(const Json& json, const std::string& source) {
  const JsonObject object(json, source, "normalizer");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    std::vector<Normalize> steps;
    const Json* parts = object.array("normalizers");
    if (parts == nullptr) object.wrong("normalizers", "a list of normalizers");
    for (const Json& part : *parts) {
      for (Normalize& step : parse_normalizers(part, source)) steps.push_back(std::move(step));
      if (steps.size() > kMaxSteps) fail(source, ": has more than ", kMaxSteps, " normalizers");
    }
    return steps;
  }
  if (type == "Prepend") {
    const std::string prefix = object.string("prepend");
    return {[prefix](const std::string& text) { return text.empty() ? text : prefix + text; }};
  }
  if (type == "Replace") {
    const FindAll find = parse_pattern(object, source);
    const std::string content = object.string("content");
    return {[find, content](const std::string& text) { return replaced(text, find(text), content); }};
  }
  if (type == "Strip") {
    const bool left = object.boolean_or("strip_left", true);
    const bool right = object.boolean_or("strip_right", true);
    return {[left, right](const std::string& text) { return stripped(text, left, right); }};
  }
  constexpr int kStable = UTF8PROC_STABLE;
  if (type == "NFC") return {unicode_step(kStable | UTF8PROC_COMPOSE)};
  if (type == "NFD") return {unicode_step(kStable | UTF8PROC_DECOMPOSE)};
  if (type == "NFKC") return {unicode_step(kStable | UTF8PROC_COMPOSE | UTF8PROC_COMPAT)};
  if (type == "NFKD") return {unicode_step(kStable | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT)};
  fail(source, ": the normalizer ", in_quotes(type),
       " is not supported, expected Sequence, Prepend, Replace, Strip, NFC, NFD, NFKC or NFKD");
}

std::string normalized(const std::vector<Normalize>& steps, std::string text) {
  const size_t before = text.size();
  for (const Normalize& step : steps) {
    text = step(text);
    check_growth("normalizers", before, text.size());
  }
  return text;
}

}  // namespace caravan
