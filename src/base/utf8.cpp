#include "base/utf8.h"

namespace caravan {

namespace {

/// What a lead byte promises: the length of its sequence and the range of its second byte (Unicode 15, table
/// 3-7).
struct Lead {
  size_t length = 0;
  unsigned char second_low = 0x80;
  unsigned char second_high = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {.length = 1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {.length = 2};
  if (byte == 0xE0) return {.length = 3, .second_low = 0xA0};
  if (byte == 0xED) return {.length = 3, .second_high = 0x9F};
  if (byte < 0xF0) return {.length = 3};
  if (byte == 0xF0) return {.length = 4, .second_low = 0x90};
  if (byte < 0xF4) return {.length = 4};
  if (byte == 0xF4) return {.length = 4, .second_high = 0x8F};
  return {};
}

/// How many bytes at `at` form a valid sequence or a valid beginning of one; `lead` is that of the first
/// byte.
size_t valid_prefix(std::string_view text, size_t at, const Lead& lead) {
  if (lead.length == 0) return 0;
  size_t count = 1;
  while (count < lead.length && at + count < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at + count]);
    const unsigned char low = count == 1 ? lead.second_low : 0x80;
    const unsigned char high = count == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) break;
    ++count;
  }
  return count;
}

}  // namespace

size_t utf8_length_at(std::string_view text, size_t at) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
  return valid_prefix(text, at, lead) == lead.length ? lead.length : 0;
}

char32_t utf8_decode(std::string_view text, size_t at, size_t length) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (length == 1) return first;
  char32_t value = first & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i)
    value = (value << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  return value;
}

void utf8_append(std::string& out, char32_t code_point) {
  const auto byte = [&out](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (code_point < 0x80) {
    byte(code_point);
  } else if (code_point < 0x800) {
    byte(0xC0U | (code_point >> 6U));
    byte(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    byte(0xE0U | (code_point >> 12U));
    byte(0x80U | ((code_point >> 6U) & 0x3FU));
    byte(0x80U | (code_point & 0x3FU));
  } else {
    byte(0xF0U | (code_point >> 18U));
    byte(0x80U | ((code_point >> 12U) & 0x3FU));
    byte(0x80U | ((code_point >> 6U) & 0x3FU));
    byte(0x80U | (code_point & 0x3FU));
  }
}

std::optional<size_t> utf8_first_invalid(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length_at(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

size_t utf8_incomplete_tail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const size_t at = text.size() - back;
    const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
    if (lead.length > back && valid_prefix(text, at, lead) == back) return back;
  }
  return 0;
}

std::string utf8_repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  while (at < text.size()) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
    const size_t valid = valid_prefix(text, at, lead);
    if (lead.length != 0 && valid == lead.length) {
      out.append(text, at, valid);
    } else {
      out += "\xEF\xBF\xBD";
    }
    at += valid == 0 ? 1 : valid;
  }
  return out;
}

}  // namespace caravan
