#include "text/byte_level.h"

#include <array>

#include "base/utf8.h"

namespace caravan {

namespace {

/// Every character of the alphabet is below this: 256 bytes, of which 68 are moved to U+0100 and up.
constexpr size_t kCharacters = 0x100 + 68;

bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<std::string, 256> of_byte;       ///< UTF-8 of each byte's character
  std::array<int, kCharacters> of_character;  ///< the byte of each character, or -1

  Alphabet() {
    of_character.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char32_t character = is_printable(byte) ? byte : next++;
      utf8_append(of_byte.at(byte), character);
      of_character.at(character) = static_cast<int>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet kAlphabet;
  return kAlphabet;
}

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) out += alphabet().of_byte.at(static_cast<unsigned char>(byte));
  return out;
}

std::string from_byte_level(std::string_view text) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length_at(text, at);
    const char32_t character = length == 0 ? kCharacters : utf8_decode(text, at, length);
    const int byte = character < kCharacters ? alphabet().of_character.at(character) : -1;
    if (byte < 0) return std::string(text);
    out += static_cast<char>(static_cast<unsigned char>(byte));
    at += length;
  }
  return out;
}

}  // namespace caravan
