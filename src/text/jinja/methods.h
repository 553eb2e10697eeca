// The methods of Python's str, dict and list that templates may call; none changes its value.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/object.h"

namespace caravan::jinja {

/// The method `name` bound to `value`; undefined with the reason where Python has the method and a template
/// may not call it (list.append) or it is not supported; nothing where the type has no such method.
std::optional<Value> find_method(const Value& value, const std::string& name);

using TextMethod = Value (*)(const std::string& text, const Arguments& arguments, Budget& budget);
/// nullptr where str has no such method here.
TextMethod find_text_method(std::string_view name);

}  // namespace caravan::jinja
