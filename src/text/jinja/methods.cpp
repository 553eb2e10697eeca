#include "text/jinja/methods.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "text/jinja/operators.h"
#include "text/jinja/parameters.h"

namespace caravan::jinja {

namespace {

using Names = std::string_view;
/// What the sandbox of transformers refuses, because it would change the value.
constexpr std::array<Names, 8> kListChanges{"append", "clear", "pop",    "reverse",
                                            "insert", "sort",  "extend", "remove"};
constexpr std::array<Names, 5> kDictChanges{"clear", "pop", "popitem", "setdefault", "update"};
/// Methods that Python's types have and templates for chats have no use for.
constexpr std::array<Names, 10> kOtherTextMethods{"casefold",   "encode",       "expandtabs",  "format",
                                                  "format_map", "isidentifier", "isprintable", "maketrans",
                                                  "translate",  "istitle"};

template <size_t size>
bool is_one_of(const std::array<Names, size>& names, Names name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value dict_view(const Value& value, SequenceKind kind, Budget& budget) {
  const auto& fields = value.as_dict()->items();
  budget.steps(fields.size());
  std::vector<Value> items;
  for (const auto& [key, item] : fields) {
    if (kind == SequenceKind::kDictItems) {
      items.push_back(Value::tuple({key, item}));
    } else {
      items.push_back(kind == SequenceKind::kDictKeys ? key : item);
    }
  }
  return Value::sequence(kind, std::move(items));
}

Value view_method(const Value& value, Names name, SequenceKind kind) {
  return Function::make(
      [value, name, kind](const Arguments& arguments, Budget& budget) {
        const Parameters parameters(name, arguments, {});
        return dict_view(value, kind, budget);
      },
      value.nesting());
}

Value dict_get(const Value& value, const Arguments& arguments, Budget& budget) {
  if (!arguments.keywords.empty()) problem("get takes no named argument");
  const Parameters parameters("get", arguments, {"key", "default"}, 1);
  const Value* found = value.as_dict()->find(parameters.at(0), budget);
  return found == nullptr ? parameters.get(1) : *found;
}

std::optional<Value> dict_method(const Value& value, const std::string& name) {
  if (name == "items") return view_method(value, "items", SequenceKind::kDictItems);
  if (name == "keys") return view_method(value, "keys", SequenceKind::kDictKeys);
  if (name == "values") return view_method(value, "values", SequenceKind::kDictValues);
  if (name == "get") {
    return Function::make([value](const Arguments& a, Budget& budget) { return dict_get(value, a, budget); },
                          value.nesting());
  }
  if (name == "copy") {
    return Function::make(
        [value](const Arguments& a, Budget& /*budget*/) {
          const Parameters parameters("copy", a, {});
          return value;
        },
        value.nesting());
  }
  if (is_one_of(kDictChanges, name))
    return Value::undefined("a template may not change a dict, as its method " + name + " would");
  if (name == "fromkeys") return Value::undefined("the method fromkeys of a dict is not supported");
  return std::nullopt;
}

Value list_count(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("count", arguments, {"value"}, 1);
  int64_t count = 0;
  for (const Value& item : value.as_sequence()->items)
    count += are_equal(item, parameters.at(0), budget) ? 1 : 0;
  return Value::integer(count);
}

Value list_index(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("index", arguments, {"value"}, 1);
  const auto& items = value.as_sequence()->items;
  for (size_t i = 0; i < items.size(); ++i)
    if (are_equal(items[i], parameters.at(0), budget)) return Value::integer(static_cast<int64_t>(i));
  problem("index finds no such item");
}

std::optional<Value> sequence_method(const Value& value, const std::string& name) {
  const bool is_list = value.as_sequence(SequenceKind::kList) != nullptr;
  if (!is_list && value.as_sequence(SequenceKind::kTuple) == nullptr) return std::nullopt;
  if (name == "count") {
    return Function::make(
        [value](const Arguments& a, Budget& budget) { return list_count(value, a, budget); },
        value.nesting());
  }
  if (name == "index") {
    return Function::make(
        [value](const Arguments& a, Budget& budget) { return list_index(value, a, budget); },
        value.nesting());
  }
  if (is_list && name == "copy") {
    return Function::make(
        [value](const Arguments& a, Budget& /*budget*/) {
          const Parameters parameters("copy", a, {});
          return value;
        },
        value.nesting());
  }
  if (is_list && is_one_of(kListChanges, name))
    return Value::undefined("a template may not change a list, as its method " + name + " would");
  return std::nullopt;
}

}  // namespace

std::optional<Value> find_method(const Value& value, const std::string& name) {
  if (value.as_dict() != nullptr) return dict_method(value, name);
  if (value.as_sequence() != nullptr) return sequence_method(value, name);
  if (value.as_text() == nullptr) return std::nullopt;
  if (const TextMethod method = find_text_method(name)) {
    return Function::make([value, method](const Arguments& arguments, Budget& budget) {
      return method(*value.as_text(), arguments, budget);
    });
  }
  if (is_one_of(kOtherTextMethods, name))
    return Value::undefined("the method " + name + " of a str is not supported");
  return std::nullopt;
}

}  // namespace caravan::jinja
