// Sets of Unicode code points as ranges, and their UTF-8 forms as sequences of byte sets.
//
// Invariants of a normalized set: sorted, ranges neither overlap nor touch, no surrogates, nothing above
// U+10FFFF. Thread safety: pure functions.
#pragma once

#include <bitset>
#include <vector>

namespace caravan::grammar {

using ByteSet = std::bitset<256>;

/// Code points from first to last, both included.
struct CharRange {
  char32_t first = 0;
  char32_t last = 0;
  bool operator==(const CharRange&) const = default;
  bool operator<(const CharRange& other) const {
    return first != other.first ? first < other.first : last < other.last;
  }
};
using CharRanges = std::vector<CharRange>;

CharRanges normalized(const CharRanges& ranges);
/// Every code point that a normalized set has not.
CharRanges complement(const CharRanges& ranges);
/// What both normalized sets have.
CharRanges intersection(const CharRanges& a, const CharRanges& b);
/// Every code point there is.
CharRanges all_chars();

/// The UTF-8 forms of a normalized set: one of the results, byte by byte, and no byte sequence else.
std::vector<std::vector<ByteSet>> utf8_forms(const CharRanges& ranges);

}  // namespace caravan::grammar
