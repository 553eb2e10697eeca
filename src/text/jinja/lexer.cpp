#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/utf8.h"
#include "text/jinja/number_text.h"
#include "text/jinja/problem.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

/// Longest first, so that // is not read as / and /.
constexpr std::array<std::string_view, 26> kOperators{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                      "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                      ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

/// \r\n and \r as \n, and without one newline at the very end.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t tag = next_tag();
      if (tag == std::string::npos) {
        add(TokenKind::kText, source_.substr(at_));
        advance(source_.size());
        break;
      }
      read_tag(tag);
    }
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool starts_with(std::string_view text) const {
    return std::string_view(source_).substr(at_, text.size()) == text;
  }

  void advance(size_t to) {
    const auto from = source_.begin() + static_cast<std::ptrdiff_t>(at_);
    line_ += static_cast<int>(std::count(from, source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  void add(TokenKind kind, std::string text) {
    if (kind == TokenKind::kText && text.empty()) return;
    tokens_.push_back({.kind = kind, .line = line_, .text = std::move(text)});
  }

  [[nodiscard]] size_t next_tag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#'))
        return i;
    }
    return std::string::npos;
  }

  void skip_space() {
    size_t to = at_;
    while (to < source_.size()) {
      const size_t length = utf8_length_at(source_, to);
      if (!is_space(utf8_decode(source_, to, length))) break;
      to += length;
    }
    advance(to);
  }

  /// The text before a tag whose sign is `sign`, less what the tag takes away to its left.
  void add_text_before(size_t tag, char sign, bool is_print) {
    std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    if (sign == '-') {
      text = stripped(text, nullptr, false, true);
    } else if (sign != '+' && !is_print) {
      const size_t newline = text.rfind('\n');
      const size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
      const bool starts_line = line_start > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (starts_line && stripped(text.substr(line_start), nullptr, true, false).empty())
        text = text.substr(0, line_start);
    }
    add(TokenKind::kText, std::string(text));
    advance(tag);
  }

  /// Steps over the end of a tag, `ending` ("%}", "#}", "}}") with its sign, if it stands here.
  bool take_end(std::string_view ending, bool trims_newline) {
    const char sign = peek();
    const bool has_sign = (sign == '-' || (sign == '+' && ending != "}}"));
    if (has_sign && std::string_view(source_).substr(at_ + 1, 2) != ending) return false;
    if (!has_sign && !starts_with(ending)) return false;
    advance(at_ + ending.size() + (has_sign ? 1 : 0));
    if (sign == '-') {
      skip_space();
    } else if (!has_sign && trims_newline && peek() == '\n') {
      advance(at_ + 1);
    }
    return true;
  }

  void read_tag(size_t tag) {
    const char type = source_[tag + 1];
    const char after = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = after == '-' || after == '+' ? after : '\0';
    add_text_before(tag, sign, type == '{');
    const int line = line_;
    const size_t body = tag + (sign == '\0' ? 2 : 3);
    advance(body);
    if (type == '#') return skip_comment(line);
    if (type == '%' && take_raw_begin()) return read_raw(line);
    advance(body);
    tokens_.push_back(
        {.kind = type == '{' ? TokenKind::kPrintBegin : TokenKind::kBlockBegin, .line = line, .text = {}});
    read_expression(type == '{' ? "}}" : "%}", line);
  }

  void skip_comment(int line) {
    for (; at_ < source_.size(); advance(at_ + 1))
      if (take_end("#}", true)) return;
    problem_at(line, "a comment {# has no end #}");
  }

  /// Steps over `raw %}` if it stands here; where it does not, the caller goes back.
  bool take_raw_begin() {
    const size_t start = at_;
    const int line = line_;
    skip_space();
    if (starts_with("raw")) {
      advance(at_ + 3);
      skip_space();
      if (peek() != '+' && take_end("%}", false)) return true;
    }
    at_ = start;
    line_ = line;
    return false;
  }

  void read_raw(int line) {
    const size_t start = at_;
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 2)) {
      // Looks ahead without counting lines, which would make many tags in a raw block quadratic.
      const int start_line = line_;
      at_ = tag + 2;
      const char sign = peek() == '-' || peek() == '+' ? peek() : '\0';
      if (sign != '\0') ++at_;
      skip_space();
      bool ends = starts_with("endraw");
      if (ends) {
        advance(at_ + 6);
        skip_space();
        ends = take_end("%}", true);
      }
      const size_t after = at_;
      at_ = start;
      line_ = start_line;
      if (!ends) continue;
      add_text_before(tag, sign, false);
      return advance(after);
    }
    problem_at(line, "a {% raw %} has no {% endraw %}");
  }

  void read_expression(std::string_view ending, int tag_line) {
    std::string open;
    while (true) {
      skip_space();
      if (at_ == source_.size()) problem_at(tag_line, "a tag that begins here has no end ", ending);
      if (open.empty() && take_end_token(ending)) return;
      if (is_ascii_digit(peek())) {
        read_number();
      } else if (peek() == '\'' || peek() == '"') {
        read_string();
      } else if (!read_name()) {
        read_operator(open);
      }
    }
  }

  bool take_end_token(std::string_view ending) {
    const int line = line_;
    if (!take_end(ending, ending == "%}")) return false;
    const TokenKind kind = ending == "}}" ? TokenKind::kPrintEnd : TokenKind::kBlockEnd;
    tokens_.push_back({.kind = kind, .line = line, .text = {}});
    return true;
  }

  [[nodiscard]] size_t digits_end(size_t from) const {
    while (from < source_.size() &&
           (is_ascii_digit(source_[from]) ||
            (source_[from] == '_' && from + 1 < source_.size() && is_ascii_digit(source_[from + 1]))))
      ++from;
    return from;
  }

  /// In x.0.1 the 0.1 is not a float but two subscripts.
  [[nodiscard]] bool follows_dot() const { return at_ > 0 && source_[at_ - 1] == '.'; }

  /// Where the fraction and exponent that follow whole digits end, or `from` where there are none.
  [[nodiscard]] size_t fraction_end(size_t from) const {
    size_t end = from;
    const auto digit_at = [this](size_t i) { return i < source_.size() && is_ascii_digit(source_[i]); };
    if (from < source_.size() && source_[from] == '.' && digit_at(from + 1)) end = digits_end(from + 1);
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const bool sign = end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      const size_t exponent = end + (sign ? 2 : 1);
      if (digit_at(exponent)) end = digits_end(exponent);
    }
    return end;
  }

  void read_number() {
    const auto second = static_cast<char>(peek(1) | 0x20);
    size_t end = digits_end(at_);
    const bool has_prefix = peek() == '0' && (second == 'x' || second == 'o' || second == 'b');
    if (has_prefix) {
      end = at_ + 2;
      while (end < source_.size() &&
             (std::isalnum(static_cast<unsigned char>(source_[end])) != 0 || source_[end] == '_'))
        ++end;
    } else if (const size_t real_end = follows_dot() ? end : fraction_end(end); real_end != end) {
      const auto real = parse_real(source_.substr(at_, real_end - at_));
      tokens_.push_back({.kind = TokenKind::kReal, .line = line_, .text = {}, .real = real.value_or(0)});
      return advance(real_end);
    }
    const std::string digits = source_.substr(at_, end - at_);
    try {
      const auto integer = parse_integer(digits, 0);
      if (!integer) problem("'", digits, "' is no number");
      tokens_.push_back({.kind = TokenKind::kInteger, .line = line_, .text = digits, .integer = *integer});
    } catch (const Problem&) {
      problem_at(line_, "'", digits, "' is no integer of 64 bits");
    }
    advance(end);
  }

  void read_string() {
    const char quote = peek();
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2U : 1U;
    if (end >= source_.size()) problem_at(line_, "a string that begins here has no end");
    add(TokenKind::kString, unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1), line_));
    advance(end + 1);
  }

  bool read_name() {
    size_t end = at_;
    while (end < source_.size()) {
      const size_t length = utf8_length_at(source_, end);
      const char32_t c = utf8_decode(source_, end, length);
      if (c != U'_' && !is_alphabetic(c) && (end == at_ || !is_decimal(c))) break;
      end += length;
    }
    if (end == at_) return false;
    add(TokenKind::kName, source_.substr(at_, end - at_));
    advance(end);
    return true;
  }

  void read_operator(std::string& open) {
    const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                     [this](std::string_view op) { return starts_with(op); });
    if (found == kOperators.end()) {
      const size_t length = utf8_length_at(source_, at_);
      problem_at(line_, "the character '", source_.substr(at_, length), "' has no meaning here");
    }
    const char first = found->front();
    if (first == '(' || first == '[' || first == '{') open += first == '(' ? ')' : (first == '[' ? ']' : '}');
    if (first == ')' || first == ']' || first == '}') {
      if (open.empty()) problem_at(line_, "'", first, "' closes nothing");
      if (open.back() != first) problem_at(line_, "'", first, "' stands where '", open.back(), "' should");
      open.pop_back();
    }
    add(TokenKind::kOperator, std::string(*found));
    advance(at_ + found->size());
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    problem("the template has ", source.size(), " bytes, more than the ", kMaxTemplateBytes,
            " that are read");
  }
  if (const auto at = utf8_first_invalid(source)) {
    const auto lines = std::count(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(*at), '\n');
    problem_at(static_cast<int>(lines) + 1, "the template is not UTF-8 at byte ", *at);
  }
  return Lexer(normalized(source)).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kText:
      return "text";
    case TokenKind::kPrintBegin:
      return "'{{'";
    case TokenKind::kPrintEnd:
      return "'}}'";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kReal:
      return "a float";
    default:
      return "'" + token.text + "'";
  }
}

}  // namespace caravan::jinja
