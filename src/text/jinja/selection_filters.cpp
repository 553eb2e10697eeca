// The filters of filters.h that apply another filter or a test to each item: map, select, reject …
#include <algorithm>
#include <array>
#include <utility>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/parameters.h"
#include "text/jinja/tests.h"

namespace caravan::jinja {

namespace {

Value generator(std::vector<Value> items) {
  return Value::sequence(SequenceKind::kGenerator, std::move(items));
}

/// `arguments` without the first `count` by position.
Arguments without(const Arguments& arguments, size_t count) {
  const auto rest = arguments.positional.begin() + static_cast<std::ptrdiff_t>(count);
  return {.positional = {rest, arguments.positional.end()}, .keywords = arguments.keywords};
}

const std::string& name_at(const Arguments& arguments, size_t index, const char* what) {
  const std::string* name = arguments.positional[index].as_text();
  if (name == nullptr)
    problem("the name of a ", what, " is a str, not a ", arguments.positional[index].type_name());
  return *name;
}

Value map_attribute(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("map", arguments, {"attribute", "default"}, 1);
  std::vector<Value> out;
  for (const Value& item : iterate(input, budget)) {
    Value found = get_path(item, parameters.at(0), budget);
    if (found.is_undefined() && !parameters.get(1).is_none()) found = parameters.at(1);
    out.push_back(std::move(found));
  }
  return generator(std::move(out));
}

Value map(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!is_true(input)) return generator({});
  if (arguments.positional.empty()) return map_attribute(input, arguments, budget);
  const std::string& name = name_at(arguments, 0, "filter");
  const FilterFunction filter = find_filter(name);
  if (filter == nullptr) problem("the filter '", name, "' is not supported");
  const Arguments rest = without(arguments, 1);
  // A filter may be map itself, in whose arguments yet another one stands.
  const Descent descent(budget);
  std::vector<Value> out;
  for (const Value& item : iterate(input, budget)) out.push_back(filter(item, rest, budget));
  return generator(std::move(out));
}

/// select, reject, selectattr and rejectattr: the items that pass a test (are true, without one), or that do
/// not.
template <bool keeps, bool by_attribute>
Value select(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!is_true(input)) return generator({});
  const size_t name_index = by_attribute ? 1 : 0;
  if (arguments.positional.size() < name_index)
    problem("selectattr and rejectattr need the name of an attribute");
  TestFunction test = nullptr;
  Arguments rest;
  if (arguments.positional.size() > name_index) {
    const std::string& name = name_at(arguments, name_index, "test");
    test = find_test(name);
    if (test == nullptr) problem("the test '", name, "' is not supported");
    rest = without(arguments, name_index + 1);
  }
  std::vector<Value> out;
  for (const Value& item : iterate(input, budget)) {
    const Value subject = by_attribute ? get_path(item, arguments.positional[0], budget) : item;
    const bool passes = test == nullptr ? is_true(subject) : test(subject, rest, budget);
    if (passes == keeps) out.push_back(item);
  }
  return generator(std::move(out));
}

constexpr std::array<std::pair<std::string_view, FilterFunction>, 5> kFilters{{
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
}};

}  // namespace

FilterFunction find_selection_filter(std::string_view name) {
  const auto* found =
      std::find_if(kFilters.begin(), kFilters.end(), [name](const auto& row) { return row.first == name; });
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
