// The tests of {{ value is name(arguments) }}, with jinja2's meaning of each.
// Thread safety: pure functions.
#pragma once

#include <string_view>

#include "text/jinja/object.h"

namespace caravan::jinja {

using TestFunction = bool (*)(const Value& input, const Arguments& arguments, Budget& budget);

/// nullptr where there is no test of that name.
TestFunction find_test(std::string_view name);

}  // namespace caravan::jinja
