// Attributes, elements and slices of values, as jinja2's sandbox gives them.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "text/jinja/value.h"

namespace caravan::jinja {

/// value.name: a method or attribute, else the element of that name; undefined where there is neither, and
/// for the methods that would change a list or dict. Problem on undefined values.
Value get_attribute(const Value& value, const std::string& name, Budget& budget);
/// value[key]: the element, else the attribute of that name.
Value get_item(const Value& value, const Value& key, Budget& budget);
/// value[from:to:step]; each None where left out. Problem where the value has no slices.
Value get_slice(const Value& value, const Value& from, const Value& to, const Value& step, Budget& budget);

/// A path such as "function.name" or 0, as the filters' attribute= takes it: each part by get_item.
Value get_path(const Value& value, const Value& path, Budget& budget);

}  // namespace caravan::jinja
