// The filters of {{ value | name(arguments) }}, with jinja2's meaning of each.
// Thread safety: pure functions.
#pragma once

#include <string_view>

#include "text/jinja/object.h"

namespace caravan::jinja {

using FilterFunction = Value (*)(const Value& input, const Arguments& arguments, Budget& budget);

/// nullptr where there is no filter of that name.
FilterFunction find_filter(std::string_view name);

// One table for each file of filters; each returns nullptr where the name is not its own.
FilterFunction find_text_filter(std::string_view name);
FilterFunction find_number_filter(std::string_view name);
FilterFunction find_sequence_filter(std::string_view name);
FilterFunction find_selection_filter(std::string_view name);

}  // namespace caravan::jinja
