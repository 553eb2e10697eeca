// What the program's drawings have in common: colours, and text that is safe inside XML.
// Thread safety: constants and pure functions.
#pragma once

#include <array>
#include <string>

namespace caravan::cli {

/// Okabe and Ito's colours, which people with any colour vision can tell apart, without the yellow that white
/// paper swallows.
constexpr std::array<const char*, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#e69f00", "#000000"};

/// `text` as an element's content or an attribute's value. A byte of a file's name may be anything; XML must
/// be UTF-8 without control characters, so that all but printable ASCII becomes "?".
std::string escaped(const std::string& text);

}  // namespace caravan::cli
