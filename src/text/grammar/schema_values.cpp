// Strings, numbers, arrays and objects of a schema.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "text/grammar/regex_grammar.h"
#include "text/grammar/schema_compiler.h"
#include "text/grammar/schema_formats.h"
#include "text/grammar/schema_numbers.h"

namespace caravan::grammar {

namespace {

/// A double that can be taken for a whole number of at most 16 digits, or beyond: ±(kMaxWhole + 1).
int64_t whole(double value) {
  constexpr double kBeyond = 1e16;
  return static_cast<int64_t>(std::clamp(value, -kBeyond, kBeyond));
}

/// The keyword's value rounded up or down to a whole number; nothing where there is none.
std::optional<Bound> bound(const SchemaDocument& document, const Json& schema, const std::string& key,
                           bool up, const std::string& where) {
  const auto found = schema.find(key);
  if (found == schema.end()) return std::nullopt;
  if (!found->is_number()) document.wrong(where, key + " is " + describe(*found) + ", expected a number");
  const bool exclusive = key.starts_with("exclusive");
  if (found->is_number_unsigned()) {
    return Bound{static_cast<int64_t>(std::min<uint64_t>(found->get<uint64_t>(), kMaxWhole + 1)), exclusive};
  }
  if (found->is_number_integer()) {
    return Bound{std::clamp<int64_t>(found->get<int64_t>(), -kMaxWhole - 1, kMaxWhole + 1), exclusive};
  }
  const double value = found->get<double>();
  const double rounded = up ? std::ceil(value) : std::floor(value);
  // What was rounded already excludes the value itself.
  return Bound{whole(rounded), exclusive && rounded == value};
}

/// The stricter of `a` and `b`.
std::optional<Bound> stricter(std::optional<Bound> a, std::optional<Bound> b, bool lower) {
  if (!a.has_value()) return b;
  if (!b.has_value()) return a;
  if (a->value == b->value) return Bound{a->value, a->exclusive || b->exclusive};
  return (a->value > b->value) == lower ? a : b;
}

}  // namespace

std::optional<uint64_t> SchemaCompiler::count(const Json& schema, const std::string& key,
                                              const std::string& where) const {
  const auto found = schema.find(key);
  if (found == schema.end()) return std::nullopt;
  const bool fits = found->is_number_unsigned() && found->get<uint64_t>() <= kMaxRepetition;
  if (!fits) {
    document_.wrong(where, key + " is " + describe(*found) + ", expected an integer from 0 to " +
                               std::to_string(kMaxRepetition));
  }
  return found->get<uint64_t>();
}

Sequence SchemaCompiler::string(const Json& schema, const std::string& where) {
  const Sequence quote = builder_.literal("\"");
  const auto min = count(schema, "minLength", where);
  const auto max = count(schema, "maxLength", where);
  const bool has_pattern = schema.contains("pattern");
  const bool has_format = schema.contains("format");
  if (int{has_pattern} + int{has_format} + int{min.has_value() || max.has_value()} > 1) {
    document_.wrong(where, "of pattern, format and minLength or maxLength only one is supported at a time");
  }
  if (has_pattern || has_format) {
    const Json& text = schema[has_pattern ? "pattern" : "format"];
    if (!text.is_string()) {
      document_.wrong(where, std::string(has_pattern ? "pattern" : "format") + " is " + describe(text) +
                                 ", expected a string");
    }
    std::string expression = text.get<std::string>();
    if (has_format) {
      const auto known = format_expression(expression);
      if (!known.has_value()) {
        document_.wrong(where, "the format " + in_quotes(expression) + " is not supported, expected one of " +
                                   format_names());
      }
      expression = *known;
    }
    const RegexMatch match = has_format ? RegexMatch::kWhole : RegexMatch::kWithin;
    const std::string source = builder_.source() + ": at " + in_quotes(where) + ": pattern";
    return quote +
           regex_sequence(
               builder_, expression, match,
               [this](const CharRanges& chars) { return json_.character_of(chars); }, source) +
           quote;
  }
  if (!min.has_value() && !max.has_value()) return json_.string();
  return quote + builder_.repeat(json_.character(), min.value_or(0), max) + quote;
}

Sequence SchemaCompiler::integer(const Json& schema, const std::string& where) {
  const auto low = stricter(bound(document_, schema, "minimum", true, where),
                            bound(document_, schema, "exclusiveMinimum", true, where), true);
  const auto high = stricter(bound(document_, schema, "maximum", false, where),
                             bound(document_, schema, "exclusiveMaximum", false, where), false);
  if (!low.has_value() && !high.has_value()) return json_.integer();
  const int64_t from = low.has_value() ? low->value + (low->exclusive ? 1 : 0) : -kMaxWhole;
  const int64_t to = high.has_value() ? high->value - (high->exclusive ? 1 : 0) : kMaxWhole;
  return integers_between(builder_, std::max(from, -kMaxWhole), std::min(to, kMaxWhole));
}

Sequence SchemaCompiler::number(const Json& schema, const std::string& where) {
  std::optional<Bound> low;
  std::optional<Bound> high;
  for (const char* key : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    const auto found = schema.find(key);
    if (found == schema.end()) continue;
    const bool lower = std::string_view(key).ends_with("inimum");
    const std::optional<Bound> one = bound(document_, schema, key, lower, where);
    const bool is_whole =
        !found->is_number_float() || found->get<double>() == static_cast<double>(one->value);
    if (!is_whole || one->value < -999'999'999'999 || one->value > 999'999'999'999) {
      document_.wrong(where, std::string(key) + " of a number is " + describe(*found) +
                                 ", expected a whole number of at most 12 digits (others are not supported)");
    }
    std::optional<Bound>& side = lower ? low : high;
    side = stricter(side, one, lower);
  }
  if (!low.has_value() && !high.has_value()) return json_.number();
  return numbers_between(builder_, low, high);
}

Sequence SchemaCompiler::array(const Json& schema, const std::string& where) {
  const uint64_t min = count(schema, "minItems", where).value_or(0);
  std::optional<uint64_t> max = count(schema, "maxItems", where);
  std::vector<Sequence> first;
  if (const auto prefix = schema.find("prefixItems"); prefix != schema.end()) {
    if (!prefix->is_array())
      document_.wrong(where, "prefixItems is " + describe(*prefix) + ", expected an array");
    for (size_t i = 0; i < prefix->size(); ++i) {
      first.push_back(value((*prefix)[i], where + "/prefixItems/" + std::to_string(i)));
    }
    // Without "items", others are valid too, but not what is meant.
    if (!schema.contains("items") && min <= first.size())
      max = std::min<uint64_t>(max.value_or(first.size()), first.size());
  }
  Sequence other = json_.value();
  if (const auto items = schema.find("items"); items != schema.end()) {
    if (items->is_array())
      document_.wrong(where, "items is an array, which is not supported, expected prefixItems");
    if (*items == false) {
      max = std::min<uint64_t>(max.value_or(first.size()), first.size());
    } else {
      other = value(*items, where + "/items");
    }
  }
  if (max.has_value() && *max < min)
    document_.wrong(where, "no array has as few items as it must and as many");
  // From the last item that can be told from the others backwards (the first one has no comma): what may
  // follow the first `i` of them.
  const uint64_t told_apart = std::max<uint64_t>(first.size(), std::min<uint64_t>(min, 1));
  const uint64_t last = std::min<uint64_t>(max.value_or(told_apart), told_apart);
  Sequence more;
  if (!max.has_value() || *max > last) {
    const auto left = max.has_value() ? std::optional(*max - last) : std::nullopt;
    more = builder_.repeat(json_.comma() + other, min > last ? min - last : 0, left);
    if (last == 0) {
      const auto rest = left.has_value() ? std::optional(*left - 1) : std::nullopt;
      more = builder_.optional(other + builder_.repeat(json_.comma() + other, 0, rest) + json_.space());
    }
  }
  for (uint64_t i = last; i > 0; --i) {
    const Sequence& item = i <= first.size() ? first[i - 1] : other;
    Sequence part = (i == 1 ? Sequence{} : json_.comma()) + item + more;
    if (i == 1) part = std::move(part) + json_.space();
    const uint32_t rule = builder_.declare();
    std::vector<Sequence> alternatives{std::move(part)};
    if (i > min) alternatives.emplace_back();
    builder_.define(rule, std::move(alternatives));
    more = GrammarBuilder::rule(rule);
  }
  return builder_.literal("[") + json_.space() + more + builder_.literal("]");
}

Sequence SchemaCompiler::object(const Json& schema, const std::string& where) {
  const auto properties = schema.find("properties");
  const auto required = schema.find("required");
  const auto additional = schema.find("additionalProperties");
  if (properties != schema.end() && !properties->is_object()) {
    document_.wrong(where, "properties is " + describe(*properties) + ", expected an object");
  }
  std::vector<std::string> names;
  if (properties != schema.end()) {
    for (const auto& [name, unused] : properties->items()) names.push_back(name);
  }
  std::set<std::string> wanted;
  if (required != schema.end()) {
    if (!required->is_array())
      document_.wrong(where, "required is " + describe(*required) + ", expected an array");
    for (const Json& name : *required) {
      if (!name.is_string()) document_.wrong(where, "required has " + describe(name) + ", expected strings");
      const bool is_new = wanted.insert(name.get<std::string>()).second;
      const bool listed = properties != schema.end() && properties->contains(name.get<std::string>());
      if (is_new && !listed) names.push_back(name.get<std::string>());
    }
  }
  const Json rest = additional != schema.end() ? *additional : Json(true);
  // Each that is optional can be the next at once (state_pool.h, kMaxStacks).
  constexpr size_t kMaxProperties = 1000;
  if (names.size() > kMaxProperties) {
    document_.wrong(where, "an object has " + std::to_string(names.size()) +
                               " properties, expected at most " + std::to_string(kMaxProperties));
  }
  std::vector<Member> listed;
  for (const std::string& name : names) {
    const bool has_schema = properties != schema.end() && properties->contains(name);
    std::string place = where;
    place += has_schema ? "/properties/" + name : "/additionalProperties";
    const Sequence text = value(has_schema ? (*properties)[name] : rest, place);
    listed.push_back({builder_.literal(Json(name).dump()) + json_.colon() + text, wanted.contains(name)});
  }
  const bool open = additional != schema.end() || properties == schema.end() || properties->empty();
  Sequence other = builder_.any_of({});
  if (open) {
    other = json_.string_except(names) + json_.colon() + value(rest, where + "/additionalProperties");
  }
  return builder_.literal("{") + json_.space() + members(listed, other) + builder_.literal("}");
}

/// Rules from the last member backwards: `begin` is one or more members, from this one on, without a comma
/// before and with the space before the brace.
Sequence SchemaCompiler::members(const std::vector<Member>& listed, const Sequence& other) {
  // After all listed ones: others, as many as there may be.
  const uint32_t others = builder_.declare();
  const Sequence end = json_.space();
  builder_.define(others, {other + builder_.any_of({json_.comma() + GrammarBuilder::rule(others), end})});
  Sequence begin = GrammarBuilder::rule(others);  // one or more members from here on
  bool may_stop = true;                           // none is required from here on
  for (size_t i = listed.size(); i-- > 0;) {
    const Member& member = listed[i];
    std::vector<Sequence> after{json_.comma() + begin};
    if (may_stop) after.push_back(end);
    std::vector<Sequence> alternatives{member.text + builder_.any_of(std::move(after))};
    if (!member.required) alternatives.push_back(begin);
    const uint32_t rule = builder_.declare();
    builder_.define(rule, std::move(alternatives));
    begin = GrammarBuilder::rule(rule);
    may_stop = may_stop && !member.required;
  }
  return may_stop ? builder_.optional(begin) : begin;
}

}  // namespace caravan::grammar
