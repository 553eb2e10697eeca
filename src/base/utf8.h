// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan {

/// The bytes of the valid code point that starts at `text[at]` (1 to 4), or 0 where no valid one does.
size_t utf8_length_at(std::string_view text, size_t at);

/// The code point of the valid sequence of `length` bytes (as utf8_length_at returned it) at `text[at]`.
char32_t utf8_decode(std::string_view text, size_t at, size_t length);

/// Appends the UTF-8 form of `code_point` to `out`. The code point must be one that UTF-8 has.
void utf8_append(std::string& out, char32_t code_point);

/// The offset of the first byte that is not part of valid UTF-8, or nothing if all of `text` is valid.
std::optional<size_t> utf8_first_invalid(std::string_view text);

/// How many bytes at the end of `text` begin a code point that is not complete yet (0 to 3).
size_t utf8_incomplete_tail(std::string_view text);

/// `text` with each maximal invalid part replaced by U+FFFD, as Unicode 15 section 3.9 (and Python's
/// errors="replace") does.
std::string utf8_repaired(std::string_view text);

}  // namespace caravan
