#include "checkpoint/quantized/unpack.h"

#include <algorithm>
#include <cstring>

namespace caravan {

namespace {

uint32_t word_at(std::span<const std::byte> bytes, int64_t index) {
  uint32_t word = 0;
  std::memcpy(&word, bytes.data() + static_cast<size_t>(index) * sizeof word, sizeof word);
  return word;
}

/// The number that `bits` of `word` from `shift` on stand for.
int8_t number_at(uint32_t word, int shift, int bits) {
  const auto stored = static_cast<int32_t>((word >> shift) & ((1U << bits) - 1));
  return static_cast<int8_t>(stored - (1 << (bits - 1)));
}

/// How far AWQ's blocks of inputs reach, so that the cache lines of an int32's neighbours are still there.
constexpr int64_t kBlock = 64;

}  // namespace

uint32_t packed_at(std::span<const std::byte> bytes, const PackedOrder& order, int64_t row, int64_t column) {
  const int64_t per = per_word(order.bits);
  const int64_t word = order.down ? row / per * order.words + column : row * order.words + column / per;
  auto place = static_cast<int>((order.down ? row : column) % per);
  if (order.awq) place = kAwqPlaces[place];
  return (word_at(bytes, word) >> (place * order.bits)) & ((1U << order.bits) - 1);
}

void unpack_row(std::span<const std::byte> words, int bits, int64_t in, int8_t* values) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(words.data());
  if (bits == 8) {
    for (int64_t i = 0; i < in; ++i) values[i] = static_cast<int8_t>(static_cast<int>(bytes[i]) - 128);
    return;
  }
  for (int64_t pair = 0; pair < in / 2; ++pair) {
    values[2 * pair] = static_cast<int8_t>((bytes[pair] & 0xF) - 8);
    values[2 * pair + 1] = static_cast<int8_t>((bytes[pair] >> 4) - 8);
  }
  if (in % 2 != 0) values[in - 1] = static_cast<int8_t>((bytes[in / 2] & 0xF) - 8);
}

void unpack_gptq(std::span<const std::byte> bytes, int bits, int64_t in, int64_t out, int64_t first,
                 int64_t count, int8_t* values) {
  const int64_t per = per_word(bits);
  for (int64_t row = 0; row < in / per; ++row) {
    for (int64_t output = 0; output < count; ++output) {
      const uint32_t word = word_at(bytes, row * out + first + output);
      int8_t* to = values + output * in + row * per;
      for (int64_t i = 0; i < per; ++i) to[i] = number_at(word, static_cast<int>(i) * bits, bits);
    }
  }
}

void unpack_awq(std::span<const std::byte> bytes, int64_t in, int64_t out, int64_t first, int64_t count,
                int8_t* values) {
  constexpr int kBits = 4;
  const int64_t per = per_word(kBits);
  const int64_t words = out / per;
  for (int64_t block = 0; block < in; block += kBlock) {
    const int64_t end = std::min(in, block + kBlock);
    for (int64_t column = first / per; column * per < first + count; ++column) {
      for (int64_t i = block; i < end; ++i) {
        const uint32_t word = word_at(bytes, i * words + column);
        for (int64_t k = 0; k < per; ++k) {
          const int64_t output = column * per + k - first;
          if (output >= 0 && output < count)
            values[output * in + i] = number_at(word, kAwqPlaces[k] * kBits, kBits);
        }
      }
    }
  }
}

void pack_row(const int8_t* values, int bits, int64_t in, uint32_t* words) {
  const int64_t per = per_word(bits);
  std::fill_n(words, words_of(in, bits), 0U);
  for (int64_t i = 0; i < in; ++i) {
    const auto stored = static_cast<uint32_t>(values[i] + (1 << (bits - 1)));
    words[i / per] |= stored << (static_cast<unsigned>(i % per) * static_cast<unsigned>(bits));
  }
}

}  // namespace caravan
