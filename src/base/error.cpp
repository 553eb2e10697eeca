#include "base/error.h"

#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace caravan {

std::string in_quotes(const std::string& text) {
  // Long enough for any key or path that a person would want to see, short enough to stay one line.
  constexpr size_t kMaxShown = 80;
  std::string out = "\"";
  size_t at = 0;
  while (at < text.size() && at < kMaxShown) {
    const size_t length = utf8_length_at(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      constexpr char kHex[] = "0123456789abcdef";
      out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
      at += 1;
    } else {
      out.append(text, at, length);
      at += length;
    }
  }
  if (at < text.size()) out += "…";
  return out + "\"";
}

namespace detail {

void check_failed(const char* file, int line, const char* expression, const std::string& values) {
  std::fprintf(stderr, "caravan: bug at %s:%d: %s%s%s\n", file, line, expression,
               values.empty() ? "" : ", found ", values.c_str());
  std::abort();
}

}  // namespace detail
}  // namespace caravan
