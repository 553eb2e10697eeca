// What Python's str methods and jinja2's text filters share.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace caravan::jinja {

/// str.replace(); a negative count is all of them.
std::string replaced(const std::string& text, const std::string& old_part, const std::string& new_part,
                     int64_t count, Budget& budget);
/// str.split() at `separator`, or at runs of whitespace where it is nullptr; at most `limit` cuts where it is
/// not negative, counted from the right for `from_right`. Problem on an empty separator.
std::vector<Value> split(const std::string& text, const std::string* separator, int64_t limit,
                         bool from_right, Budget& budget);
/// str.splitlines(), each line with its end where `keep_ends`.
std::vector<Value> split_lines(const std::string& text, bool keep_ends, Budget& budget);
/// The items as texts with `separator` between them. With `only_texts`, Problem on an item that is none.
std::string joined_text(const std::vector<Value>& items, const std::string& separator, bool only_texts,
                        Budget& budget);

}  // namespace caravan::jinja
