// The functions that every template can call: range, namespace, dict, joiner, cycler, raise_exception and
// strftime_now.
// Thread safety: what make_functions returns belongs to one rendering.
#pragma once

#include <ctime>
#include <string>
#include <unordered_map>

#include "text/jinja/object.h"

namespace caravan::jinja {

/// `now` is the local time that strftime_now formats. `keeper` must outlive every value.
std::unordered_map<std::string, Value> make_functions(Keeper& keeper, const std::tm& now);

/// datetime.strftime() in the C locale, of a time without a zone. Problem on a directive that C and POSIX do
/// not define.
std::string format_time(const std::tm& time, const std::string& format, Budget& budget);

}  // namespace caravan::jinja
