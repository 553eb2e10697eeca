#include "text/grammar/regex_grammar.h"

#include "base/error.h"
#include "text/grammar/regex_classes.h"

namespace caravan::grammar {

namespace {

class RegexParser {
 public:
  RegexParser(GrammarBuilder& builder, std::string_view pattern, RegexMatch match, const WriteChar& write,
              const std::string& source)
      : builder_(&builder), read_(pattern, source), match_(match), write_(&write) {}

  Sequence parse() {
    std::vector<Sequence> alternatives;
    do alternatives.push_back(outermost());
    while (read_.take("|"));
    if (!read_.at_end()) read_.wrong("there is no group to close, expected \\) for the parenthesis itself");
    return builder_->any_of(std::move(alternatives));
  }

 private:
  /// One of the alternatives outside all groups, which alone may have anchors.
  Sequence outermost() {
    const bool from_start = read_.take("^");
    Sequence part = sequence(0);
    const bool to_end = read_.take("$");
    if (read_.peek() == '^' || read_.peek() == '$' || (to_end && !read_.at_end() && read_.peek() != '|')) {
      misplaced_anchor();
    }
    if (match_ == RegexMatch::kWhole) return part;
    if (!from_start) part = anything() + part;
    if (!to_end) part = std::move(part) + anything();
    return part;
  }

  Sequence anything() {
    if (anything_.empty()) anything_ = builder_->repeat((*write_)(all_chars()), 0, std::nullopt);
    return anything_;
  }

  Sequence alternatives(int depth) {
    if (depth > kMaxNesting) {
      read_.wrong("groups are nested more than " + std::to_string(kMaxNesting) + " levels deep");
    }
    std::vector<Sequence> all;
    do all.push_back(sequence(depth));
    while (read_.take("|"));
    return builder_->any_of(std::move(all));
  }

  Sequence sequence(int depth) {
    Sequence out;
    while (!read_.at_end() && read_.peek() != '|' && read_.peek() != ')') {
      if (read_.peek() == '^' || read_.peek() == '$') {
        if (depth > 0) misplaced_anchor();
        break;
      }
      Sequence part = read_.take("(") ? group(depth) : character();
      out = std::move(out) + quantified(std::move(part));
    }
    return out;
  }

  Sequence character() {
    if (read_.peek() == '*' || read_.peek() == '+' || read_.peek() == '?' || is_counted()) {
      read_.wrong("there is nothing to repeat here, expected a \\ before the character itself");
    }
    return (*write_)(read_.set());
  }

  /// After the opening parenthesis.
  Sequence group(int depth) {
    if (read_.take("?")) {
      if (read_.starts_with("=") || read_.starts_with("!")) read_.wrong("look-ahead is not supported");
      if (read_.starts_with("<=") || read_.starts_with("<!")) read_.wrong("look-behind is not supported");
      if (read_.starts_with(">")) read_.wrong("atomic groups are not supported");
      if (read_.take("<") || read_.take("P<")) {
        name();
      } else if (!read_.take(":")) {
        read_.wrong("this kind of group is not supported, expected (?:…) or (?<name>…)");
      }
    }
    Sequence inside = alternatives(depth + 1);
    if (!read_.take(")")) read_.wrong("the group has no end, expected )");
    return inside;
  }

  void name() {
    const size_t begin = read_.offset();
    while (!read_.at_end() && read_.peek() != '>') {
      const char c = read_.peek();
      const bool fits =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!fits) break;
      read_.go_to(read_.offset() + 1);
    }
    if (read_.offset() == begin || !read_.take(">")) read_.wrong("expected a group's name and >");
  }

  /// Whether {m}, {m,} or {m,n} stands here; any other brace is a character.
  bool is_counted() {
    const size_t begin = read_.offset();
    bool counted = read_.take("{") && read_.number().has_value();
    if (counted && read_.take(",")) read_.number();
    counted = counted && read_.take("}");
    read_.go_to(begin);
    return counted;
  }

  Sequence quantified(Sequence part) {
    if (read_.take("*")) {
      part = builder_->repeat(std::move(part), 0, std::nullopt);
    } else if (read_.take("+")) {
      part = builder_->repeat(std::move(part), 1, std::nullopt);
    } else if (read_.take("?")) {
      part = builder_->repeat(std::move(part), 0, 1);
    } else if (is_counted()) {
      read_.take("{");
      const uint64_t min = read_.number().value_or(0);
      std::optional<uint64_t> max = min;
      if (read_.take(",")) max = read_.number();
      read_.take("}");
      part = builder_->repeat(std::move(part), min, max);
    } else {
      return part;
    }
    if (read_.take("+")) read_.wrong("possessive quantifiers are not supported");
    read_.take("?");  // lazy: for a whole match the same
    if (read_.peek() == '*' || read_.peek() == '+' || read_.peek() == '?' || is_counted()) {
      read_.wrong("there is nothing to repeat here, expected a group around what is repeated twice");
    }
    return part;
  }

  [[noreturn]] void misplaced_anchor() const {
    read_.wrong("^ and $ are supported at the ends of the outermost alternatives only");
  }

  GrammarBuilder* builder_;
  RegexReader read_;
  RegexMatch match_;
  const WriteChar* write_;
  Sequence anything_;
};

}  // namespace

Sequence regex_sequence(GrammarBuilder& builder, std::string_view pattern, RegexMatch match,
                        const WriteChar& write, const std::string& source) {
  return RegexParser(builder, pattern, match, write, source).parse();
}

Grammar regex_grammar(std::string_view pattern) {
  GrammarBuilder builder("the regular expression");
  check_guide_text(pattern, builder.source());
  const uint32_t root = builder.declare("root");
  builder.define(root, {regex_sequence(
                           builder, pattern, RegexMatch::kWhole,
                           [&](const CharRanges& chars) { return builder.chars(chars); }, builder.source())});
  return builder.take(root);
}

}  // namespace caravan::grammar
