// SentencePiece's way of writing spaces as a visible mark, "▁", also at the beginning of a text.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace caravan {

enum class PrependScheme : uint8_t { kAlways, kFirst, kNever };

struct MetaspaceRules {
  std::string replacement = "\xE2\x96\x81";  ///< "▁"
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;  ///< cut before each mark
};

/// Reads a Metaspace object, with "prepend_scheme" or the older "add_prefix_space".
MetaspaceRules parse_metaspace(const JsonObject& object);

/// `text` with spaces as marks, and one before it as the rules say.
std::string with_metaspaces(const MetaspaceRules& rules, const std::string& text, bool at_start);

/// Replaces every occurrence of `from`, which is not empty.
std::string replace_all(const std::string& text, const std::string& from, const std::string& to);

}  // namespace caravan
