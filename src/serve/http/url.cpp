#include "serve/http/url.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "serve/http/message.h"

namespace caravan::http {

namespace {

/// The value of a hexadecimal digit, or -1.
int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

std::string decoded_text(std::string_view part, bool plus_is_space) {
  std::string text = percent_decoded(part, plus_is_space);
  // A value may hold a line of text; a path is a name.
  const bool controls = plus_is_space ? text.find('\0') != std::string::npos
                                      : std::any_of(text.begin(), text.end(), is_control);
  if (controls || utf8_first_invalid(text)) {
    fail("the request's target has ", in_quotes(std::string(part)),
         ", expected escapes of UTF-8 text without control characters");
  }
  return text;
}

void read_query(std::string_view query, std::map<std::string, std::string>& out) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (field.empty()) continue;
    const size_t equals = std::min(field.find('='), field.size());
    const std::string_view value = field.substr(std::min(equals + 1, field.size()));
    out.insert_or_assign(decoded_text(field.substr(0, equals), true), decoded_text(value, true));
  }
}

/// An absolute target without its scheme and authority; others as they are.
std::string_view without_origin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_name(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    return target;
  }
  return target;
}

}  // namespace

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        fail("the request's target has the escape ", in_quotes(std::string(text.substr(i, 3))),
             ", expected two hexadecimal digits after \"%\"");
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Target parse_target(std::string_view target) {
  if (target == "*") return {"*", {}};
  const std::string_view local = without_origin(target);
  const bool absolute = local.size() != target.size();
  const size_t question = std::min(local.find('?'), local.size());
  const std::string_view path = local.substr(0, question);
  if (!path.starts_with('/') && !(absolute && path.empty())) {
    fail("the request's target is ", in_quotes(std::string(target)),
         ", expected a path that begins with \"/\"");
  }
  if (local.find('#') != std::string_view::npos) {
    fail("the request's target is ", in_quotes(std::string(target)), ", expected no fragment (\"#\")");
  }
  Target out;
  out.path = path.empty() ? "/" : decoded_text(path, false);
  read_query(local.substr(std::min(question + 1, local.size())), out.query);
  return out;
}

}  // namespace caravan::http
