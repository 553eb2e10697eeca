// The filters of filters.h on sequences and dicts.
#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/parameters.h"
#include "text/jinja/sorting.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

Value generator(std::vector<Value> items) {
  return Value::sequence(SequenceKind::kGenerator, std::move(items));
}

Value length(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("length", arguments, {});
  const auto found = length_of(input);
  if (!found) problem("a ", input.type_name(), " has no length");
  return Value::integer(static_cast<int64_t>(*found));
}

Value first(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("first", arguments, {});
  const std::vector<Value> items = iterate(input, budget);
  return items.empty() ? Value::undefined("there is no first item in an empty sequence") : items.front();
}

Value last(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("last", arguments, {});
  if (input.as_sequence(SequenceKind::kGenerator) != nullptr || input.is_undefined())
    problem("last takes a sequence that can be reversed, not a ", input.type_name());
  const std::vector<Value> items = iterate(input, budget);
  return items.empty() ? Value::undefined("there is no last item in an empty sequence") : items.back();
}

Value list(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("list", arguments, {});
  return Value::list(iterate(input, budget));
}

Value items(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("items", arguments, {});
  if (input.is_undefined()) return generator({});
  if (input.as_dict() == nullptr) problem("items takes a dict, not a ", input.type_name());
  budget.steps(input.as_dict()->items().size());
  std::vector<Value> pairs;
  for (const auto& [key, value] : input.as_dict()->items()) pairs.push_back(Value::tuple({key, value}));
  return generator(std::move(pairs));
}

Value reverse(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("reverse", arguments, {});
  if (const std::string* text = input.as_text()) {
    budget.bytes(text->size());
    std::u32string letters = decode(*text);
    std::reverse(letters.begin(), letters.end());
    return Value::text(encode(letters));
  }
  std::vector<Value> all = iterate(input, budget);
  std::reverse(all.begin(), all.end());
  return generator(std::move(all));
}

Value sort(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<Value> all = iterate(input, budget);
  std::vector<Value> keys;
  keys.reserve(all.size());
  for (const Value& item : all)
    keys.push_back(sort_key(item, parameters.get(2), parameters.truth(1, false), budget));
  return Value::list(sorted_by(std::move(all), keys, parameters.truth(0, false), budget));
}

Value dictsort(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = parameters.text(1) == nullptr ? "key" : *parameters.text(1);
  if (by != "key" && by != "value") problem("dictsort sorts by 'key' or 'value', not by '", by, "'");
  if (input.is_undefined()) problem(input.reason());
  if (input.as_dict() == nullptr) problem("dictsort takes a dict, not a ", input.type_name());
  std::vector<Value> pairs;
  std::vector<Value> keys;
  for (const auto& [key, value] : input.as_dict()->items()) {
    pairs.push_back(Value::tuple({key, value}));
    keys.push_back(parameters.truth(0, false) ? (by == "key" ? key : value)
                                              : case_ignored(by == "key" ? key : value, budget));
  }
  return Value::list(sorted_by(std::move(pairs), keys, parameters.truth(2, false), budget));
}

Value unique(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("unique", arguments, {"case_sensitive", "attribute"});
  std::unordered_set<std::string> seen;
  std::vector<Value> kept;
  for (const Value& item : iterate(input, budget)) {
    Value key = parameters.get(1).is_none() ? item : get_path(item, parameters.at(1), budget);
    if (!parameters.truth(0, false)) key = case_ignored(key, budget);
    if (seen.insert(hash_key(key, budget)).second) kept.push_back(item);
  }
  return generator(std::move(kept));
}

template <bool wants_largest>
Value extreme(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters(wants_largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const std::vector<Value> all = iterate(input, budget);
  if (all.empty()) return Value::undefined("there is no smallest or largest item in an empty sequence");
  const auto key_of = [&](const Value& item) {
    const Value key = parameters.get(1).is_none() ? item : get_path(item, parameters.at(1), budget);
    return parameters.truth(0, false) ? key : case_ignored(key, budget);
  };
  size_t best = 0;
  Value best_key = key_of(all[0]);
  for (size_t i = 1; i < all.size(); ++i) {
    Value key = key_of(all[i]);
    const bool is_better = wants_largest ? is_less(best_key, key, budget) : is_less(key, best_key, budget);
    if (!is_better) continue;
    best = i;
    best_key = std::move(key);
  }
  return all[best];
}

Value sum(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("sum", arguments, {"attribute", "start"});
  Value total = parameters.find(1) == nullptr ? Value::integer(0) : parameters.at(1);
  if (total.as_text() != nullptr) problem("sum adds no texts; join does");
  for (const Value& item : iterate(input, budget)) {
    const Value term = parameters.get(0).is_none() ? item : get_path(item, parameters.at(0), budget);
    total = apply(BinaryOperator::kAdd, total, term, budget);
  }
  return total;
}

Value batch(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("batch", arguments, {"linecount", "fill_with"}, 1);
  const int64_t size = parameters.integer(0, 0);
  std::vector<Value> rows;
  std::vector<Value> row;
  for (const Value& item : iterate(input, budget)) {
    if (static_cast<int64_t>(row.size()) == size) rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (row.empty()) return generator(std::move(rows));
  const Value fill = parameters.get(1);
  const int64_t missing = size - static_cast<int64_t>(row.size());
  if (!fill.is_none() && missing > 0) {
    budget.steps(static_cast<size_t>(missing));
    row.insert(row.end(), static_cast<size_t>(missing), fill);
  }
  rows.push_back(Value::list(std::move(row)));
  return generator(std::move(rows));
}

constexpr std::array<std::pair<std::string_view, FilterFunction>, 14> kFilters{{
    {"batch", batch},
    {"count", length},
    {"dictsort", dictsort},
    {"first", first},
    {"items", items},
    {"last", last},
    {"length", length},
    {"list", list},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reverse", reverse},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
}};

}  // namespace

FilterFunction find_sequence_filter(std::string_view name) {
  const auto* found =
      std::find_if(kFilters.begin(), kFilters.end(), [name](const auto& row) { return row.first == name; });
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
