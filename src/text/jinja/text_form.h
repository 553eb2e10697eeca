// Values as text: Python's str() and repr(), and JSON as Python's json.dumps writes it; and values from JSON.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "text/jinja/value.h"

namespace caravan::jinja {

/// str(): what {{ }} prints. "" for undefined. Problem for generators and functions, whose str() in Python is
/// a memory address.
std::string to_text(const Value& value, Budget& budget);
/// repr(): texts in quotes, as inside a printed list.
std::string to_repr(const Value& value, Budget& budget);
/// repr() of a float: the shortest digits that read back as the same number.
std::string real_text(double value);

/// What json.dumps takes; the defaults are those of transformers' tojson.
struct JsonStyle {
  bool ensure_ascii = false;
  /// What one level is indented by; all on one line where absent.
  std::optional<std::string> indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};

/// json.dumps(). Problem for what JSON has no form for (undefined, generators, functions, tuple keys).
std::string to_json(const Value& value, const JsonStyle& style, Budget& budget);

/// JSON as the values that Python's json module would make of it. Problem on integers beyond 64 bits, texts
/// that are not UTF-8, and nesting deeper than kMaxNesting.
Value from_json(const Json& json, Budget& budget);

}  // namespace caravan::jinja
