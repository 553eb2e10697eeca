// Sorting as Python's sorted() does it, for the filters.
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "text/jinja/value.h"

namespace caravan::jinja {

/// A text in lower case, anything else as it is.
Value case_ignored(const Value& value, Budget& budget);

/// What the filter sort compares `item` by: the item, or the list of its elements at `paths` ("age,name";
/// None for the item itself).
Value sort_key(const Value& item, const Value& paths, bool case_sensitive, Budget& budget);

/// `items` ordered by `keys` (as many), equal ones in the order in which they came. Problem where two keys
/// have no order.
std::vector<Value> sorted_by(std::vector<Value> items, const std::vector<Value>& keys, bool descending,
                             Budget& budget);

}  // namespace caravan::jinja
