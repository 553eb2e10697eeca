// GPT-2's way of writing bytes as printable characters, in which byte-level vocabularies are stored.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace caravan {

/// Each byte of `bytes` as its character: printable Latin-1 as itself, the others from U+0100 on.
std::string to_byte_level(std::string_view bytes);

/// The bytes that `text` writes; `text` itself if it has a character that stands for no byte, as an added
/// token may.
std::string from_byte_level(std::string_view text);

}  // namespace caravan
