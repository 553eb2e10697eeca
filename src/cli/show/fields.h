// The fields of a report's row: named once, for JSON and CSV alike.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace caravan::cli {

/// Each field's name, and its value or null.
using Fields = std::vector<std::pair<std::string, Json>>;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json json_object(const Fields& fields);

/// A line of names, and one line for each row (RFC 4180, lines that end with a line feed); null is an empty
/// field. All rows have the same names.
std::string csv_of(const std::vector<Fields>& rows);

/// JSON as a file holds it. Bytes that are not UTF-8, which a path may have, become U+FFFD.
std::string json_text(const Json& json);

}  // namespace caravan::cli
