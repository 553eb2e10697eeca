// The methods of str, for methods.h.
#include <algorithm>
#include <array>

#include "text/jinja/methods.h"
#include "text/jinja/parameters.h"
#include "text/jinja/text_form.h"
#include "text/jinja/text_work.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

Value made(std::string text, Budget& budget) {
  budget.bytes(text.size());
  return Value::text(std::move(text));
}

template <std::string (*convert)(std::string_view)>
Value converted(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this method", arguments, {});
  budget.bytes(text.size());
  return made(convert(text), budget);
}

template <bool left, bool right>
Value strip(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("strip", arguments, {"chars"});
  return made(std::string(stripped(text, parameters.text(0), left, right)), budget);
}

template <bool from_right>
Value split_text(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("split", arguments, {"sep", "maxsplit"});
  return Value::list(split(text, parameters.text(0), parameters.integer(1, -1), from_right, budget));
}

Value splitlines(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("splitlines", arguments, {"keepends"});
  return Value::list(split_lines(text, parameters.truth(0, false), budget));
}

Value join(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("join", arguments, {"iterable"}, 1);
  return Value::text(joined_text(iterate(parameters.at(0), budget), text, true, budget));
}

Value replace(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("replace", arguments, {"old", "new", "count"}, 2);
  return Value::text(replaced(text, parameters.required_text(0), parameters.required_text(1),
                              parameters.integer(2, -1), budget));
}

/// The part of `text` from code point `start` to `end`, as the optional arguments of find() and startswith()
/// give it.
struct Window {
  std::string_view part;
  size_t start = 0;
  bool is_empty_range = false;
};

Window window(const std::string& text, const Parameters& parameters) {
  const auto length = static_cast<int64_t>(code_points(text));
  const auto position = [length](int64_t given) {
    return std::clamp<int64_t>(given < 0 ? (given < -length ? 0 : given + length) : given, 0, length);
  };
  const bool has_end = parameters.find(2) != nullptr && !parameters.at(2).is_none();
  const bool has_start = parameters.find(1) != nullptr && !parameters.at(1).is_none();
  const int64_t given_start = has_start ? parameters.integer(1, 0) : 0;
  const int64_t start = position(given_start);
  const int64_t end = has_end ? position(parameters.integer(2, length)) : length;
  if (given_start > length || start > end) return {.part = {}, .start = 0, .is_empty_range = true};
  const size_t from = byte_offset(text, static_cast<size_t>(start));
  const auto rest = std::string_view(text).substr(from);
  return {.part = rest.substr(0, byte_offset(rest, static_cast<size_t>(end - start))),
          .start = static_cast<size_t>(start)};
}

template <bool from_right, bool must_exist>
Value find(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("find", arguments, {"sub", "start", "end"}, 1);
  budget.steps(text.size() / 64);
  const Window range = window(text, parameters);
  const std::string& wanted = parameters.required_text(0);
  const size_t found = range.is_empty_range
                           ? std::string_view::npos
                           : (from_right ? range.part.rfind(wanted) : range.part.find(wanted));
  if (found != std::string_view::npos)
    return Value::integer(static_cast<int64_t>(range.start + code_points(range.part.substr(0, found))));
  if (must_exist) problem("index does not find the text");
  return Value::integer(-1);
}

Value count(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("count", arguments, {"sub", "start", "end"}, 1);
  budget.steps(text.size() / 64);
  const Window range = window(text, parameters);
  const std::string& wanted = parameters.required_text(0);
  if (range.is_empty_range) return Value::integer(0);
  if (wanted.empty()) return Value::integer(static_cast<int64_t>(code_points(range.part)) + 1);
  int64_t count = 0;
  for (size_t at = range.part.find(wanted); at != std::string_view::npos;
       at = range.part.find(wanted, at + wanted.size()))
    ++count;
  return Value::integer(count);
}

template <bool at_start>
Value has_affix(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("startswith", arguments, {"prefix", "start", "end"}, 1);
  const Window range = window(text, parameters);
  std::vector<Value> affixes{parameters.at(0)};
  if (parameters.at(0).as_sequence(SequenceKind::kTuple) != nullptr)
    affixes = iterate(parameters.at(0), budget);
  for (const Value& affix : affixes) {
    const std::string* wanted = affix.as_text();
    if (wanted == nullptr)
      problem("startswith and endswith take a str or a tuple of str, not a ", affix.type_name());
    if (range.is_empty_range || wanted->size() > range.part.size()) continue;
    const size_t from = at_start ? 0 : range.part.size() - wanted->size();
    if (range.part.substr(from, wanted->size()) == *wanted) return Value::boolean(true);
  }
  return Value::boolean(false);
}

template <bool at_start>
Value remove_affix(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("removeprefix", arguments, {"prefix"}, 1);
  const std::string& affix = parameters.required_text(0);
  if (affix.size() > text.size()) return made(text, budget);
  const size_t rest = text.size() - affix.size();
  if (text.compare(at_start ? 0 : rest, affix.size(), affix) != 0) return made(text, budget);
  return made(text.substr(at_start ? affix.size() : 0, rest), budget);
}

template <bool from_right>
Value partition(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("partition", arguments, {"sep"}, 1);
  const std::string& separator = parameters.required_text(0);
  if (separator.empty()) problem("a text cannot be split at an empty separator");
  const size_t found = from_right ? text.rfind(separator) : text.find(separator);
  budget.bytes(text.size());
  if (found == std::string::npos) {
    const Value whole = Value::text(text);
    const Value none = Value::text("");
    return from_right ? Value::tuple({none, none, whole}) : Value::tuple({whole, none, none});
  }
  return Value::tuple({Value::text(text.substr(0, found)), Value::text(separator),
                       Value::text(text.substr(found + separator.size()))});
}

enum class Side { kLeft, kRight, kBoth };

template <Side side>
Value justify(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("ljust", arguments, {"width", "fillchar"}, 1);
  const std::string fill = parameters.text(1) == nullptr ? " " : *parameters.text(1);
  if (code_points(fill) != 1) problem("the fill of a justified text must be one character");
  const auto length = static_cast<int64_t>(code_points(text));
  const int64_t width = std::max(parameters.integer(0, 0), length);
  const auto missing = static_cast<size_t>(width - length);
  budget.bytes(fill.size(), missing);
  // Python puts the odd one of center() on the left where the width is odd.
  const size_t half = missing / 2 + (missing & static_cast<size_t>(width) & 1U);
  const size_t left = side == Side::kRight ? missing : (side == Side::kLeft ? 0 : half);
  std::string out;
  for (size_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (size_t i = left; i < missing; ++i) out += fill;
  return made(std::move(out), budget);
}

Value zfill(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("zfill", arguments, {"width"}, 1);
  const auto length = static_cast<int64_t>(code_points(text));
  const auto missing = static_cast<size_t>(std::max(parameters.integer(0, 0), length) - length);
  budget.bytes(1, missing);
  const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  return made(text.substr(0, has_sign ? 1 : 0) + std::string(missing, '0') + text.substr(has_sign ? 1 : 0),
              budget);
}

template <bool (*holds)(char32_t)>
Value all_characters(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this method", arguments, {});
  budget.bytes(text.size());
  const std::u32string letters = decode(text);
  return Value::boolean(!letters.empty() && std::all_of(letters.begin(), letters.end(), holds));
}

bool is_alphanumeric(char32_t c) { return is_alphabetic(c) || is_numeric(c); }

Value isascii(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("isascii", arguments, {});
  budget.steps(text.size() / 64);
  return Value::boolean(code_points(text) == text.size() && std::all_of(text.begin(), text.end(), [](char c) {
                          return static_cast<unsigned char>(c) < 0x80;
                        }));
}

template <Case wanted>
Value has_case(const std::string& text, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this method", arguments, {});
  budget.bytes(text.size());
  bool any = false;
  for (const char32_t c : decode(text)) {
    const Case found = case_of(c);
    if (found != Case::kNone && found != wanted) return Value::boolean(false);
    any = any || found == wanted;
  }
  return Value::boolean(any);
}

constexpr std::array<std::pair<std::string_view, TextMethod>, 37> kMethods{{
    {"capitalize", converted<capitalized>},
    {"center", justify<Side::kBoth>},
    {"count", count},
    {"endswith", has_affix<false>},
    {"find", find<false, false>},
    {"index", find<false, true>},
    {"isalnum", all_characters<is_alphanumeric>},
    {"isalpha", all_characters<is_alphabetic>},
    {"isascii", isascii},
    {"isdecimal", all_characters<is_decimal>},
    {"isdigit", all_characters<is_digit>},
    {"islower", has_case<Case::kLower>},
    {"isnumeric", all_characters<is_numeric>},
    {"isspace", all_characters<is_space>},
    {"isupper", has_case<Case::kUpper>},
    {"join", join},
    {"ljust", justify<Side::kLeft>},
    {"lower", converted<to_lower>},
    {"lstrip", strip<true, false>},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<true>},
    {"removesuffix", remove_affix<false>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rjust", justify<Side::kRight>},
    {"rpartition", partition<true>},
    {"rsplit", split_text<true>},
    {"rstrip", strip<false, true>},
    {"split", split_text<false>},
    {"splitlines", splitlines},
    {"startswith", has_affix<true>},
    {"strip", strip<true, true>},
    {"swapcase", converted<case_swapped>},
    {"title", converted<title_cased>},
    {"upper", converted<to_upper>},
    {"zfill", zfill},
}};

}  // namespace

TextMethod find_text_method(std::string_view name) {
  const auto* found =
      std::find_if(kMethods.begin(), kMethods.end(), [name](const auto& row) { return row.first == name; });
  return found == kMethods.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
