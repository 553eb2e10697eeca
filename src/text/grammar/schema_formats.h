// The values of a JSON schema's "format" as regular expressions of whole strings. Thread safety: pure
// functions.
#pragma once

#include <optional>
#include <string>

namespace caravan::grammar {

/// The expression of the format, which allows nothing that the format does not (dates have real days, of the
/// years 1000 to 9999), or nothing for a format that is not supported.
std::optional<std::string> format_expression(const std::string& format);

/// "date, time, …", for messages.
std::string format_names();

}  // namespace caravan::grammar
