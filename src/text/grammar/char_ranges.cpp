#include "text/grammar/char_ranges.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/utf8.h"

namespace caravan::grammar {

namespace {

constexpr char32_t kLastChar = 0x10FFFF;
constexpr char32_t kBeforeSurrogates = 0xD7FF;
constexpr char32_t kAfterSurrogates = 0xE000;

CharRanges merged(CharRanges ranges) {
  std::sort(ranges.begin(), ranges.end());
  CharRanges out;
  for (const CharRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

/// Cuts [first, last], whose ends have UTF-8 forms of `length` bytes, so that each piece is a product of byte
/// ranges: wherever the higher bits differ, the lower ones must be complete.
void split_forms(CharRange whole, size_t length, std::vector<std::vector<ByteSet>>& out) {
  std::vector<CharRange> pending{whole};
  while (!pending.empty()) {
    const CharRange range = pending.back();
    pending.pop_back();
    bool cut = false;
    for (size_t i = 1; i < length && !cut; ++i) {
      const char32_t low = (char32_t{1} << (6 * i)) - 1;
      if ((range.first & ~low) == (range.last & ~low)) continue;
      if ((range.first & low) != 0) {
        pending.push_back({(range.first | low) + 1, range.last});
        pending.push_back({range.first, range.first | low});
        cut = true;
      } else if ((range.last & low) != low) {
        pending.push_back({range.last & ~low, range.last});
        pending.push_back({range.first, (range.last & ~low) - 1});
        cut = true;
      }
    }
    if (cut) continue;
    std::string from;
    std::string to;
    utf8_append(from, range.first);
    utf8_append(to, range.last);
    std::vector<ByteSet> form(length);
    for (size_t i = 0; i < length; ++i) {
      for (auto byte = static_cast<unsigned char>(from[i]);; ++byte) {
        form[i].set(byte);
        if (byte == static_cast<unsigned char>(to[i])) break;
      }
    }
    out.push_back(std::move(form));
  }
}

/// Joins neighbours that differ in nothing but byte `at`.
void join_forms(std::vector<std::vector<ByteSet>>& forms, bool at_end) {
  std::vector<std::vector<ByteSet>> out;
  for (std::vector<ByteSet>& form : forms) {
    if (!out.empty() && out.back().size() == form.size()) {
      const size_t at = at_end ? form.size() - 1 : 0;
      std::vector<ByteSet> probe = out.back();
      probe[at] = form[at];
      if (probe == form) {
        out.back()[at] |= form[at];
        continue;
      }
    }
    out.push_back(std::move(form));
  }
  forms = std::move(out);
}

}  // namespace

CharRanges normalized(const CharRanges& ranges) {
  CharRanges valid;
  for (CharRange range : ranges) {
    range.last = std::min(range.last, kLastChar);
    if (range.first > range.last) continue;
    if (range.first <= kBeforeSurrogates)
      valid.push_back({range.first, std::min(range.last, kBeforeSurrogates)});
    if (range.last >= kAfterSurrogates)
      valid.push_back({std::max(range.first, kAfterSurrogates), range.last});
  }
  // The two sides of the surrogates do not touch as numbers, so that merging never brings those back.
  return merged(std::move(valid));
}

CharRanges complement(const CharRanges& ranges) {
  CharRanges out;
  char32_t next = 0;
  for (const CharRange& range : ranges) {
    if (range.first > next) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastChar) out.push_back({next, kLastChar});
  return normalized(out);
}

CharRanges intersection(const CharRanges& a, const CharRanges& b) {
  CharRanges out;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const CharRange both{std::max(a[i].first, b[j].first), std::min(a[i].last, b[j].last)};
    if (both.first <= both.last) out.push_back(both);
    if (a[i].last < b[j].last) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

CharRanges all_chars() { return normalized({{0, kLastChar}}); }

std::vector<std::vector<ByteSet>> utf8_forms(const CharRanges& ranges) {
  struct Length {
    CharRange range;
    size_t bytes;
  };
  constexpr std::array<Length, 4> kLengths = {
      {{{0, 0x7F}, 1}, {{0x80, 0x7FF}, 2}, {{0x800, 0xFFFF}, 3}, {{0x10000, kLastChar}, 4}}};
  std::vector<std::vector<ByteSet>> out;
  for (const Length& length : kLengths) {
    for (const CharRange& part : intersection(ranges, {length.range})) split_forms(part, length.bytes, out);
  }
  join_forms(out, true);
  join_forms(out, false);
  return out;
}

}  // namespace caravan::grammar
