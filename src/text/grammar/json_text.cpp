#include "text/grammar/json_text.h"

#include <array>
#include <deque>
#include <map>

#include "base/utf8.h"

namespace caravan::grammar {

namespace {

/// What stands in a string as it is.
const CharRanges& unescaped() {
  static const CharRanges kUnescaped = normalized({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}});
  return kUnescaped;
}

/// The shortest escape of a character that needs one.
std::string escape_of(char32_t c) {
  switch (c) {
    case U'"':
      return "\\\"";
    case U'\\':
      return "\\\\";
    case U'\b':
      return "\\b";
    case U'\f':
      return "\\f";
    case U'\n':
      return "\\n";
    case U'\r':
      return "\\r";
    case U'\t':
      return "\\t";
    default:
      constexpr std::string_view kDigits = "0123456789abcdef";
      return std::string("\\u00") + kDigits[c >> 4U] + kDigits[c & 15U];
  }
}

/// Names as a tree of their characters.
struct NameTree {
  std::map<char32_t, size_t> next;  ///< index of the tree below
  bool is_name = false;
};

std::deque<NameTree> tree_of(const std::vector<std::string>& names) {
  std::deque<NameTree> trees(1);
  for (const std::string& name : names) {
    size_t at = 0;
    bool plain = true;
    for (size_t i = 0; i < name.size();) {
      const size_t length = utf8_length_at(name, i);
      const char32_t c = utf8_decode(name, i, length);
      // From a character on that must be escaped, which an other name's never is here, no other name is like
      // it.
      plain = !intersection(unescaped(), {{c, c}}).empty();
      if (!plain) break;
      const auto [found, is_new] = trees[at].next.emplace(c, trees.size());
      if (is_new) trees.emplace_back();
      at = found->second;
      i += length;
    }
    if (plain) trees[at].is_name = true;
  }
  return trees;
}

}  // namespace

ByteSet byte_set(std::string_view text) {
  ByteSet set;
  for (const char c : text) set.set(static_cast<unsigned char>(c));
  return set;
}

ByteSet byte_range(char first, char last) {
  ByteSet set;
  for (int c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last); ++c) {
    set.set(static_cast<size_t>(c));
  }
  return set;
}

Sequence JsonText::once(std::optional<uint32_t>& rule, std::vector<Sequence> (JsonText::*alternatives)()) {
  if (!rule.has_value()) {
    rule = builder_->declare();
    builder_->define(*rule, (this->*alternatives)());
  }
  return GrammarBuilder::rule(*rule);
}

Sequence JsonText::value() { return once(value_, &JsonText::value_alternatives); }
Sequence JsonText::object() { return once(object_, &JsonText::object_alternatives); }
Sequence JsonText::array() { return once(array_, &JsonText::array_alternatives); }
Sequence JsonText::number() { return once(number_, &JsonText::number_alternatives); }
Sequence JsonText::integer() { return once(integer_, &JsonText::integer_alternatives); }
Sequence JsonText::string() { return once(string_, &JsonText::string_alternatives); }
Sequence JsonText::rest_of_string() { return once(rest_, &JsonText::rest_alternatives); }
Sequence JsonText::character() { return once(character_, &JsonText::character_alternatives); }
Sequence JsonText::space() { return once(space_, &JsonText::space_alternatives); }
Sequence JsonText::colon() { return builder_->literal(":") + builder_->optional(builder_->literal(" ")); }
Sequence JsonText::comma() { return builder_->literal(",") + space(); }

std::vector<Sequence> JsonText::value_alternatives() {
  return {object(),
          array(),
          string(),
          number(),
          builder_->literal("true"),
          builder_->literal("false"),
          builder_->literal("null")};
}

std::vector<Sequence> JsonText::object_alternatives() {
  const Sequence member = string() + colon() + value();
  return {builder_->literal("{") + space() +
          builder_->optional(member + builder_->repeat(comma() + member, 0, std::nullopt) + space()) +
          builder_->literal("}")};
}

std::vector<Sequence> JsonText::array_alternatives() {
  return {builder_->literal("[") + space() +
          builder_->optional(value() + builder_->repeat(comma() + value(), 0, std::nullopt) + space()) +
          builder_->literal("]")};
}

std::vector<Sequence> JsonText::integer_alternatives() {
  const Sequence digit = builder_->bytes(byte_range('0', '9'));
  return {builder_->literal("0"), builder_->optional(builder_->literal("-")) +
                                      builder_->bytes(byte_range('1', '9')) + builder_->repeat(digit, 0, 15)};
}

std::vector<Sequence> JsonText::number_alternatives() {
  const Sequence digit = builder_->bytes(byte_range('0', '9'));
  const Sequence whole = builder_->any_of(
      {builder_->literal("0"), builder_->bytes(byte_range('1', '9')) + builder_->repeat(digit, 0, 15)});
  const Sequence fraction = builder_->literal(".") + builder_->repeat(digit, 1, 16);
  const Sequence exponent = builder_->bytes(byte_set("eE")) +
                            builder_->optional(builder_->bytes(byte_set("+-"))) +
                            builder_->repeat(digit, 1, 2);
  return {builder_->optional(builder_->literal("-")) + whole + builder_->optional(fraction) +
          builder_->optional(exponent)};
}

std::vector<Sequence> JsonText::string_alternatives() { return {builder_->literal("\"") + rest_of_string()}; }

std::vector<Sequence> JsonText::rest_alternatives() {
  return {builder_->repeat(character(), 0, std::nullopt) + builder_->literal("\"")};
}

std::vector<Sequence> JsonText::character_alternatives() {
  const Sequence hex = builder_->bytes(byte_set("0123456789abcdefABCDEF"));
  const Sequence d = builder_->bytes(byte_set("dD"));
  const Sequence u = builder_->literal("\\u");
  return {builder_->chars(unescaped()), builder_->literal("\\") + builder_->bytes(byte_set("\"\\/bfnrt")),
          u + builder_->bytes(byte_set("0123456789abcefABCEF")) + hex + hex + hex,
          u + d + builder_->bytes(byte_range('0', '7')) + hex + hex,
          u + d + builder_->bytes(byte_set("89abAB")) + hex + hex + u + d +
              builder_->bytes(byte_set("cdefCDEF")) + hex + hex};
}

std::vector<Sequence> JsonText::space_alternatives() {
  return {{},
          builder_->literal(" "),
          builder_->literal("\n") + builder_->repeat(builder_->bytes(byte_set(" \t")), 0, 20)};
}

Sequence JsonText::character_of(const CharRanges& chars) {
  std::vector<Sequence> alternatives{builder_->chars(intersection(chars, unescaped()))};
  for (const CharRange& range : intersection(chars, complement(unescaped()))) {
    for (char32_t c = range.first; c <= range.last; ++c)
      alternatives.push_back(builder_->literal(escape_of(c)));
  }
  return builder_->any_of(std::move(alternatives));
}

Sequence JsonText::string_except(const std::vector<std::string>& names) {
  if (names.empty()) return string();
  const std::deque<NameTree> trees = tree_of(names);
  std::vector<uint32_t> rules;
  for (size_t i = 0; i < trees.size(); ++i) rules.push_back(builder_->declare());
  for (size_t i = 0; i < trees.size(); ++i) {
    CharRanges on_the_way;
    std::vector<Sequence> alternatives;
    for (const auto& [c, below] : trees[i].next) {
      on_the_way.push_back({c, c});
      alternatives.push_back(builder_->chars({{c, c}}) + GrammarBuilder::rule(rules[below]));
    }
    const CharRanges leaving = intersection(unescaped(), complement(normalized(on_the_way)));
    alternatives.push_back(builder_->chars(leaving) + rest_of_string());
    if (!trees[i].is_name) alternatives.push_back(builder_->literal("\""));
    builder_->define(rules[i], std::move(alternatives));
  }
  return builder_->literal("\"") + GrammarBuilder::rule(rules.front());
}

Grammar json_object_grammar() {
  GrammarBuilder builder("the JSON object");
  JsonText json(builder);
  const uint32_t root = builder.declare("root");
  builder.define(root, {json.object()});
  return builder.take(root);
}

}  // namespace caravan::grammar
