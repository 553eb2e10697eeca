// A template's text cut into tokens, with jinja2's whitespace rules (trim_blocks and lstrip_blocks on,
// keep_trailing_newline off, as transformers sets them).
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::jinja {

enum class TokenKind {
  kText,
  kPrintBegin,
  kPrintEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kReal,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 0;
  /// The text between tags, a name, an operator, or a string with its escapes resolved.
  std::string text;
  int64_t integer = 0;
  double real = 0;
};

/// Larger than any published template (the longest are some 20 KB) by far; bounds the tokens and the tree.
constexpr size_t kMaxTemplateBytes = size_t{1} << 20U;

/// The last token is kEnd. Problem with the line where the text is not a template.
std::vector<Token> tokenize(std::string_view source);

/// For messages: `'abc'`, `the end of the tag` …
std::string describe(const Token& token);

/// The text that a string literal stands for; `literal` is what is between its quotes. Problem with `line` on
/// an escape that is wrong or not supported.
std::string unescape(std::string_view literal, int line);

}  // namespace caravan::jinja
