#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "base/error.h"

namespace caravan {

struct Regex::Compiled {
  Compiled() = default;
  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  std::string pattern;
  std::string source;
};

namespace {

/// Unicode's White_Space, which \s means in Oniguruma; PCRE2's own \s has U+180E too.
constexpr std::string_view kSpaces =
    R"(\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// `pattern` with \s and \S spelled out.
std::string translated(const std::string& pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += in_class ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
    } else if (escaped == 'S' && !in_class) {
      out += "[^" + std::string(kSpaces) + "]";
    } else {
      out += {'\\', escaped};
    }
  }
  return out;
}

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

Regex::Regex(const std::string& pattern, const std::string& source)
    : compiled_(std::make_shared<Compiled>()) {
  // Longer patterns than any tokenizer's only cost time to compile.
  constexpr size_t kMaxPattern = 10'000;
  if (pattern.size() > kMaxPattern) {
    fail(source, ": a regular expression has ", pattern.size(), " bytes, expected at most ", kMaxPattern);
  }
  const std::string text = translated(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->pattern = pattern;
  compiled_->source = source;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (compiled_->code == nullptr) {
    fail(source, ": the regular expression ", in_quotes(pattern), " cannot be used: ", pcre2_message(error));
  }
  compiled_->match = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
  // Where the machine has no JIT the interpreter does the same, slower.
  pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE);
}

std::vector<TextSpan> Regex::find_all(std::string_view text) const {
  std::vector<TextSpan> spans;
  size_t at = 0;
  while (at < text.size()) {
    const int count = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, compiled_->match, nullptr);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) {
      fail(compiled_->source, ": the regular expression ", in_quotes(compiled_->pattern),
           " failed on this text: ", pcre2_message(count));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(compiled_->match);
    // \K can put a match's start behind its end; such a pattern splits nothing.
    if (bounds[0] >= bounds[1] || bounds[1] <= at) break;
    spans.push_back({bounds[0], bounds[1]});
    at = bounds[1];
  }
  return spans;
}

}  // namespace caravan
