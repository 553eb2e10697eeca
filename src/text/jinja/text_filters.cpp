// The filters of filters.h that give text.
#include <algorithm>
#include <array>
#include <utility>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/parameters.h"
#include "text/jinja/text_form.h"
#include "text/jinja/text_work.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

template <std::string (*convert)(std::string_view)>
Value converted(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this filter", arguments, {});
  const std::string text = to_text(input, budget);
  budget.bytes(text.size());
  return Value::text(convert(text));
}

/// jinja2's own idea of a title: a word starts after whitespace, - or an opening bracket.
std::string title(std::string_view text) {
  constexpr std::u32string_view kBeforeWords = U"-({[<";
  const std::u32string letters = decode(text);
  std::string out;
  std::u32string word;
  const auto flush = [&] {
    if (word.empty()) return;
    out += to_upper(encode(word.substr(0, 1))) + to_lower(encode(word.substr(1)));
    word.clear();
  };
  for (const char32_t letter : letters) {
    const bool ends_word = is_space(letter) || kBeforeWords.find(letter) != std::u32string_view::npos;
    if (ends_word) {
      flush();
      out += encode(std::u32string(1, letter));
    } else {
      word += letter;
    }
  }
  flush();
  return out;
}

Value trim(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("trim", arguments, {"chars"});
  const std::string text = to_text(input, budget);
  return Value::text(std::string(stripped(text, parameters.text(0), true, true)));
}

Value string(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("string", arguments, {});
  return input.as_text() != nullptr ? input : Value::text(to_text(input, budget));
}

Value replace(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("replace", arguments, {"old", "new", "count"}, 2);
  const bool has_count = parameters.find(2) != nullptr && !parameters.at(2).is_none();
  return Value::text(replaced(to_text(input, budget), to_text(parameters.at(0), budget),
                              to_text(parameters.at(1), budget), has_count ? parameters.integer(2, -1) : -1,
                              budget));
}

Value join(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("join", arguments, {"d", "attribute"});
  std::vector<Value> items = iterate(input, budget);
  const Value path = parameters.get(1);
  if (!path.is_none())
    for (Value& item : items) item = get_path(item, path, budget);
  const std::string separator = parameters.find(0) == nullptr ? "" : to_text(parameters.at(0), budget);
  return Value::text(joined_text(items, separator, false, budget));
}

Value indent(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("indent", arguments, {"width", "first", "blank"});
  if (input.is_undefined()) problem(input.reason());
  if (input.as_text() == nullptr) problem("indent takes a str, not a ", input.type_name());
  const bool is_text = parameters.find(0) != nullptr && parameters.at(0).as_text() != nullptr;
  const int64_t width = is_text ? 0 : std::max<int64_t>(parameters.integer(0, 4), 0);
  budget.bytes(1, static_cast<size_t>(width));
  const std::string space = is_text ? *parameters.text(0) : std::string(static_cast<size_t>(width), ' ');
  const std::vector<Value> lines = split_lines(*input.as_text() + "\n", false, budget);
  budget.bytes(space.size(), lines.size() + 1);
  std::string out = parameters.truth(1, false) ? space : "";
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = *lines[i].as_text();
    if (i > 0) out += "\n";
    if (i > 0 && (parameters.truth(2, false) || !line.empty())) out += space;
    out += line;
  }
  return Value::text(std::move(out));
}

Value format(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!arguments.positional.empty() && !arguments.keywords.empty())
    problem("format takes arguments either by position or by name");
  if (arguments.keywords.empty())
    return Value::text(percent_format(to_text(input, budget), Value::tuple(arguments.positional), budget));
  Dict named;
  for (const auto& [name, value] : arguments.keywords) named.set(Value::text(name), value, budget);
  return Value::text(percent_format(to_text(input, budget), Value::dict(std::move(named)), budget));
}

JsonStyle json_style(const Parameters& parameters, Budget& budget) {
  JsonStyle style;
  style.ensure_ascii = parameters.truth(0, false);
  style.sort_keys = parameters.truth(3, false);
  const Value indent = parameters.get(1);
  if (const std::string* text = indent.as_text()) {
    style.indent = *text;
  } else if (!indent.is_none()) {
    const int64_t width = std::max<int64_t>(parameters.integer(1, 0), 0);
    budget.bytes(1, static_cast<size_t>(width));
    style.indent = std::string(static_cast<size_t>(width), ' ');
  }
  if (style.indent) style.item_separator = ",";
  const Value separators = parameters.get(2);
  if (separators.is_none()) return style;
  const std::vector<Value> both = iterate(separators, budget);
  if (both.size() != 2 || both[0].as_text() == nullptr || both[1].as_text() == nullptr)
    problem("the argument 'separators' of tojson takes two texts");
  style.item_separator = *both[0].as_text();
  style.key_separator = *both[1].as_text();
  return style;
}

/// As transformers defines it: json.dumps without HTML escapes.
Value tojson(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  return Value::text(to_json(input, json_style(parameters, budget), budget));
}

constexpr std::array<std::pair<std::string_view, FilterFunction>, 12> kFilters{{
    {"capitalize", converted<capitalized>},
    {"format", format},
    {"indent", indent},
    {"join", join},
    {"lower", converted<to_lower>},
    {"replace", replace},
    // Nothing is escaped, so nothing needs to be marked as safe; only the text form remains.
    {"safe", string},
    {"string", string},
    {"title", converted<title>},
    {"tojson", tojson},
    {"trim", trim},
    {"upper", converted<to_upper>},
}};

}  // namespace

FilterFunction find_text_filter(std::string_view name) {
  const auto* found =
      std::find_if(kFilters.begin(), kFilters.end(), [name](const auto& row) { return row.first == name; });
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
