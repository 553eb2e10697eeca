// What tokenizer.json does to a text before it is cut: a list of steps, in order.
// Thread safety: as Regex's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/regex.h"

namespace caravan {

/// One step: valid UTF-8 to valid UTF-8.
using Normalize = std::function<std::string(const std::string&)>;

/// The steps of a "normalizer" object: Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Strip. Throws Error,
/// naming `source` and the type, on any other.
std::vector<Normalize> parse_normalizers(const Json& json, const std::string& source);

std::string normalized(const std::vector<Normalize>& steps, std::string text);

/// What a "pattern" field names: {"String": …} or {"Regex": …}. Returns the function that finds its matches.
using FindAll = std::function<std::vector<TextSpan>(const std::string&)>;
FindAll parse_pattern(const JsonObject& object, const std::string& source);

}  // namespace caravan
