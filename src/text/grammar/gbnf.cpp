#include "text/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/error.h"
#include "base/utf8.h"
#include "text/grammar/program.h"

namespace caravan::grammar {

namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : builder_("the grammar"), text_(text) {}

  Grammar parse() {
    check_guide_text(text_, builder_.source());
    for (skip(true); at_ < text_.size(); skip(true)) rule();
    for (const auto& [name, known] : rules_) {
      if (known.defined) continue;
      fail(builder_.source(), ": line ", line_of(known.at), ": the rule ", in_quotes(name),
           " is not defined");
    }
    const auto root = rules_.find("root");
    if (root == rules_.end()) fail(builder_.source(), " has no rule root, expected one to begin with");
    Grammar grammar = builder_.take(root->second.rule);
    if (const auto endless = endless_rule(grammar)) {
      fail(grammar.source, ": the rule ", in_quotes(*endless), " matches no finite text");
    }
    return grammar;
  }

 private:
  struct Known {
    uint32_t rule = 0;
    size_t at = 0;  ///< of the first mention
    bool defined = false;
  };

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] size_t line_of(size_t at) const {
    return 1 + static_cast<size_t>(
                   std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }
  [[noreturn]] void wrong(const std::string& what) const {
    fail(builder_.source(), ": line ", line_of(at_), ": ", what);
  }

  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  void expect(std::string_view text) {
    if (!take(text)) wrong("expected " + std::string(text) + found());
  }

  /// What stands here, for messages.
  [[nodiscard]] std::string found() const {
    if (at_ >= text_.size()) return ", found the end";
    const size_t length = utf8_length_at(text_, at_);
    return ", found " + in_quotes(std::string(text_.substr(at_, length)));
  }

  /// Spaces and comments, and where `lines` ends of lines.
  void skip(bool lines) {
    while (at_ < text_.size()) {
      if (peek() == '#') {
        while (at_ < text_.size() && peek() != '\n') ++at_;
      } else if (peek() == ' ' || peek() == '\t' || (lines && (peek() == '\n' || peek() == '\r'))) {
        ++at_;
      } else {
        break;
      }
    }
  }

  std::string name() {
    const size_t begin = at_;
    while (is_name_char(peek())) ++at_;
    if (at_ == begin) wrong("expected a rule's name" + found());
    return std::string(text_.substr(begin, at_ - begin));
  }

  Known& known(const std::string& rule_name) {
    const auto [entry, is_new] = rules_.try_emplace(rule_name);
    if (is_new) entry->second = {builder_.declare(rule_name), at_, false};
    return entry->second;
  }

  void rule() {
    Known& own = known(name());
    if (own.defined) wrong("the rule is defined twice");
    own.defined = true;
    skip(false);
    expect("::=");
    std::vector<Sequence> all = alternatives(0);
    builder_.define(own.rule, std::move(all));
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r')
      wrong("expected the end of the line" + found());
  }

  std::vector<Sequence> alternatives(int depth) {
    if (depth > kMaxNesting)
      wrong("groups are nested more than " + std::to_string(kMaxNesting) + " levels deep");
    std::vector<Sequence> all;
    do {
      skip(true);
      all.push_back(sequence(depth));
    } while (take_bar(depth));
    return all;
  }

  /// A bar may stand at the beginning of the next line, too.
  bool take_bar(int depth) {
    const size_t here = at_;
    skip(true);
    if (take("|")) return true;
    if (depth == 0) at_ = here;
    return false;
  }

  Sequence sequence(int depth) {
    Sequence out;
    // After `::=` and `|` a new line may come, so that the next rule could be taken for a reference.
    for (; !ends_sequence(); skip(depth > 0)) out = std::move(out) + quantified(item(depth));
    return out;
  }

  [[nodiscard]] bool ends_sequence() {
    const char c = peek();
    if (at_ >= text_.size() || c == '|' || c == ')' || c == '\n' || c == '\r') return true;
    if (!is_name_char(c)) return false;
    const size_t here = at_;
    (void)name();
    skip(false);
    const bool is_rule = take("::=");
    at_ = here;
    return is_rule;
  }

  Sequence item(int depth) {
    if (take("\"")) return literal();
    if (take("[")) return builder_.chars(char_class());
    if (take(".")) return builder_.chars(all_chars());
    if (take("(")) {
      Sequence inside = builder_.any_of(alternatives(depth + 1));
      expect(")");
      return inside;
    }
    if (peek() == '<' || peek() == '!') wrong("references to tokens are not supported");
    if (!is_name_char(peek())) wrong("expected a literal, class, group or rule" + found());
    return GrammarBuilder::rule(known(name()).rule);
  }

  Sequence literal() {
    Sequence out;
    while (!take("\"")) {
      if (at_ >= text_.size() || peek() == '\n') wrong("the literal has no end, expected \"");
      const char32_t c = character();
      out = std::move(out) + builder_.chars({{c, c}});
    }
    return out;
  }

  CharRanges char_class() {
    const bool negated = take("^");
    CharRanges set;
    while (!take("]")) {
      if (at_ >= text_.size() || peek() == '\n') wrong("the class has no end, expected ]");
      const char32_t first = character();
      char32_t last = first;
      if (peek() == '-' && !text_.substr(at_).starts_with("-]")) {
        ++at_;
        if (at_ >= text_.size()) wrong("the class has no end, expected ]");
        last = character();
      }
      if (last < first) wrong("a range of the class goes backwards");
      set.push_back({first, last});
    }
    set = normalized(set);
    return negated ? complement(set) : set;
  }

  /// One character of a literal or class.
  char32_t character() {
    if (!take("\\")) {
      const size_t length = utf8_length_at(text_, at_);
      const char32_t c = utf8_decode(text_, at_, length);
      at_ += length;
      return c;
    }
    const char c = peek();
    ++at_;
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'x':
        return hexadecimal(2);
      case 'u':
        return hexadecimal(4);
      case 'U':
        return hexadecimal(8);
      default:
        break;
    }
    if (c == '\0' || std::string_view("\\\"[]-^").find(c) == std::string_view::npos) {
      --at_;
      wrong("expected one of \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\x \\u \\U" + found());
    }
    return static_cast<char32_t>(c);
  }

  char32_t hexadecimal(size_t digits) {
    uint64_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const size_t digit = std::string_view("0123456789abcdef0123456789ABCDEF").find(peek());
      if (at_ >= text_.size() || digit == std::string_view::npos) {
        wrong("expected " + std::to_string(digits) + " hexadecimal digits" + found());
      }
      value = value * 16 + digit % 16;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) wrong("the escape is no Unicode character");
    return static_cast<char32_t>(value);
  }

  Sequence quantified(Sequence part) {
    // As in llama.cpp, spaces may stand before a quantifier; several repeat what is repeated already.
    for (;;) {
      const size_t here = at_;
      skip(false);
      if (take("*")) {
        part = builder_.repeat(std::move(part), 0, std::nullopt);
      } else if (take("+")) {
        part = builder_.repeat(std::move(part), 1, std::nullopt);
      } else if (take("?")) {
        part = builder_.repeat(std::move(part), 0, 1);
      } else if (take("{")) {
        part = counted(std::move(part));
      } else {
        at_ = here;
        return part;
      }
    }
  }

  /// After the opening brace.
  Sequence counted(Sequence part) {
    skip(false);
    const uint64_t min = number();
    skip(false);
    std::optional<uint64_t> max = min;
    if (take(",")) {
      skip(false);
      max = peek() == '}' ? std::nullopt : std::optional(number());
      skip(false);
    }
    expect("}");
    return builder_.repeat(std::move(part), min, max);
  }

  uint64_t number() {
    const size_t begin = at_;
    uint64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(peek() - '0'), 1'000'000'000);
    }
    if (at_ == begin) wrong("expected a number" + found());
    return value;
  }

  GrammarBuilder builder_;
  std::string_view text_;
  size_t at_ = 0;
  std::map<std::string, Known> rules_;
};

}  // namespace

Grammar gbnf_grammar(std::string_view text) { return GbnfParser(text).parse(); }

}  // namespace caravan::grammar
