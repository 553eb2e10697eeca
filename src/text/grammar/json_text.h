// The pieces of JSON text (RFC 8259) as grammar, made once per builder as they are asked for.
//
// Generated JSON is a subset that always comes to an end and that every reader takes: white space is at most
// one space, or a new line and up to 20 spaces or tabs, after `{`, `[` and `,` and before `}` and `]`, and at
// most one space after `:`; none around the whole. Numbers have up to 16 digits before and after the point
// and two of an exponent, so that they fit a double. Escaped surrogates come in pairs. Names in an object
// whose members the guide does not list may repeat, which no grammar can forbid. Thread safety: one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

class JsonText {
 public:
  explicit JsonText(GrammarBuilder& builder) : builder_(&builder) {}

  /// Any value, object, array; with any values in them.
  Sequence value();
  Sequence object();
  Sequence array();
  Sequence number();
  Sequence integer();
  Sequence string();
  /// One character of a string, escaped or not.
  Sequence character();
  /// One out of `chars` (normalized), escaped in the shortest way where it must be and else not at all.
  Sequence character_of(const CharRanges& chars);
  /// A string that is none of `names`: until it differs from all of them, nothing in it is escaped.
  Sequence string_except(const std::vector<std::string>& names);
  Sequence space();
  /// `:` and what may follow it.
  Sequence colon();
  /// `,` and what may follow it.
  Sequence comma();

 private:
  Sequence once(std::optional<uint32_t>& rule, std::vector<Sequence> (JsonText::*alternatives)());
  std::vector<Sequence> value_alternatives();
  std::vector<Sequence> object_alternatives();
  std::vector<Sequence> array_alternatives();
  std::vector<Sequence> number_alternatives();
  std::vector<Sequence> integer_alternatives();
  std::vector<Sequence> string_alternatives();
  std::vector<Sequence> rest_alternatives();
  std::vector<Sequence> character_alternatives();
  std::vector<Sequence> space_alternatives();
  /// The rest of a string and its closing quote.
  Sequence rest_of_string();

  GrammarBuilder* builder_;
  std::optional<uint32_t> value_;
  std::optional<uint32_t> object_;
  std::optional<uint32_t> array_;
  std::optional<uint32_t> number_;
  std::optional<uint32_t> integer_;
  std::optional<uint32_t> string_;
  std::optional<uint32_t> rest_;
  std::optional<uint32_t> character_;
  std::optional<uint32_t> space_;
};

/// A byte set of the characters of `text`.
ByteSet byte_set(std::string_view text);
/// A byte set from `first` to `last`.
ByteSet byte_range(char first, char last);

/// The guide "any JSON object".
Grammar json_object_grammar();

}  // namespace caravan::grammar
