// The orders in which formats pack numbers of 8 and 4 bits into little-endian int32s, and back.
//
// Everything here is stored as q + 128 or q + 8 and comes out as q. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace caravan {

/// Numbers of `bits` in an int32.
constexpr int64_t per_word(int bits) { return 32 / bits; }

/// int32s that hold `count` numbers.
constexpr int64_t words_of(int64_t count, int bits) { return (count + per_word(bits) - 1) / per_word(bits); }

/// AWQ's place, in an int32, of each of 8 numbers that follow each other.
constexpr int kAwqPlaces[8] = {0, 4, 1, 5, 2, 6, 3, 7};

/// Where the number [row, column] of a packed matrix lies.
struct PackedOrder {
  /// An int32 holds numbers of one column that follow each other, else of one row.
  bool down = false;
  bool awq = false;  ///< and in AWQ's order
  int bits = 4;
  int64_t words = 0;  ///< int32s in a stored row
};

/// The number [row, column], as it is stored: 0 .. 255 or 0 .. 15.
uint32_t packed_at(std::span<const std::byte> bytes, const PackedOrder& order, int64_t row, int64_t column);

/// compressed-tensors: writes the `in` numbers of one output, whose int32s `words` are, to values[in].
void unpack_row(std::span<const std::byte> words, int bits, int64_t in, int8_t* values);

/// GPTQ: `bytes` are int32s [in / per_word, out], each of inputs that follow each other of one output. Writes
/// outputs `first` to `first + count` - 1 to values[count, in].
void unpack_gptq(std::span<const std::byte> bytes, int bits, int64_t in, int64_t out, int64_t first,
                 int64_t count, int8_t* values);

/// AWQ: `bytes` are int32s [in, out / 8]. Writes outputs `first` to `first + count` - 1 to values[count, in].
void unpack_awq(std::span<const std::byte> bytes, int64_t in, int64_t out, int64_t first, int64_t count,
                int8_t* values);

/// The other way: `words` of words_of(in, bits) int32s from the numbers of one output; what lies beyond `in`
/// is 0 in storage.
void pack_row(const int8_t* values, int bits, int64_t in, uint32_t* words);

}  // namespace caravan
