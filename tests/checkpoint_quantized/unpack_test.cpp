#include "checkpoint/quantized/unpack.h"

#include <gtest/gtest.h>

#include <vector>

namespace caravan {
namespace {

/// A number for [output, input], all of `bits` and none alike in a row or column nearby.
int8_t number(int64_t output, int64_t input, int bits) {
  const int64_t range = int64_t{1} << bits;
  return static_cast<int8_t>((output * 7 + input * 5 + output * input) % range - range / 2);
}

std::vector<int8_t> matrix(int64_t out, int64_t in, int bits) {
  std::vector<int8_t> values;
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) values.push_back(number(o, i, bits));
  }
  return values;
}

/// Puts `value` in its place of an int32.
void put(std::vector<uint32_t>& words, int64_t word, int64_t place, int bits, int8_t value) {
  const auto stored = static_cast<uint32_t>(value + (1 << (bits - 1)));
  words[static_cast<size_t>(word)] |= stored << static_cast<unsigned>(place * bits);
}

std::span<const std::byte> bytes_of(const std::vector<uint32_t>& words) {
  return std::as_bytes(std::span(words));
}

TEST(Unpack, TakesWordsOfARowLowBitsFirst) {
  for (const int bits : {4, 8}) {
    for (const int64_t in : {1, 4, 7, 8, 9, 31, 64}) {
      std::vector<uint32_t> words(static_cast<size_t>(words_of(in, bits)));
      for (int64_t i = 0; i < in; ++i)
        put(words, i / per_word(bits), i % per_word(bits), bits, number(3, i, bits));
      std::vector<int8_t> values(static_cast<size_t>(in));
      unpack_row(bytes_of(words), bits, in, values.data());
      for (int64_t i = 0; i < in; ++i)
        EXPECT_EQ(values[static_cast<size_t>(i)], number(3, i, bits)) << bits << " bits, input " << i;
      std::vector<uint32_t> packed(words.size(), ~0U);
      pack_row(values.data(), bits, in, packed.data());
      EXPECT_EQ(packed, words);
    }
  }
}

TEST(Unpack, TakesGptqsWordsOfInputsBelowEachOther) {
  for (const int bits : {4, 8}) {
    constexpr int64_t kIn = 48;
    constexpr int64_t kOut = 24;
    const int64_t per = per_word(bits);
    std::vector<uint32_t> words(static_cast<size_t>(kIn / per * kOut));
    for (int64_t o = 0; o < kOut; ++o) {
      for (int64_t i = 0; i < kIn; ++i) put(words, i / per * kOut + o, i % per, bits, number(o, i, bits));
    }
    const std::vector<int8_t> expected = matrix(kOut, kIn, bits);
    for (const int64_t first : {0, 5, 23}) {
      std::vector<int8_t> values(static_cast<size_t>((kOut - first) * kIn));
      unpack_gptq(bytes_of(words), bits, kIn, kOut, first, kOut - first, values.data());
      EXPECT_EQ(values, std::vector<int8_t>(expected.begin() + first * kIn, expected.end()));
    }
  }
}

TEST(Unpack, TakesAwqsWordsOfOutputsInItsOrder) {
  constexpr int64_t kIn = 70;
  constexpr int64_t kOut = 24;
  // AutoAWQ: number i of a word is output order[i].
  constexpr int64_t kOrder[] = {0, 2, 4, 6, 1, 3, 5, 7};
  std::vector<uint32_t> words(kIn * kOut / 8);
  for (int64_t i = 0; i < kIn; ++i) {
    for (int64_t word = 0; word < kOut / 8; ++word) {
      for (int64_t place = 0; place < 8; ++place)
        put(words, i * (kOut / 8) + word, place, 4, number(word * 8 + kOrder[place], i, 4));
    }
  }
  const std::vector<int8_t> expected = matrix(kOut, kIn, 4);
  for (const int64_t first : {0, 5, 8, 23}) {
    for (const int64_t count : {int64_t{1}, kOut - first}) {
      std::vector<int8_t> values(static_cast<size_t>(count * kIn));
      unpack_awq(bytes_of(words), kIn, kOut, first, count, values.data());
      EXPECT_EQ(values, std::vector<int8_t>(expected.begin() + first * kIn,
                                            expected.begin() + (first + count) * kIn));
    }
  }
  const PackedOrder order = {false, true, 4, kOut / 8};
  for (int64_t o = 0; o < kOut; ++o) {
    for (int64_t i = 0; i < kIn; ++i)
      EXPECT_EQ(static_cast<int>(packed_at(bytes_of(words), order, i, o)) - 8, number(o, i, 4));
  }
}

TEST(Unpack, TakesSingleNumbersOfWordsAcrossAndDown) {
  constexpr int64_t kRows = 11;
  constexpr int64_t kColumns = 5;
  for (const int bits : {4, 8}) {
    const int64_t per = per_word(bits);
    std::vector<uint32_t> down(static_cast<size_t>(words_of(kRows, bits) * kColumns));
    std::vector<uint32_t> across(static_cast<size_t>(kRows * words_of(kColumns, bits)));
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t column = 0; column < kColumns; ++column) {
        put(down, row / per * kColumns + column, row % per, bits, number(row, column, bits));
        put(across, row * words_of(kColumns, bits) + column / per, column % per, bits,
            number(row, column, bits));
      }
    }
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t column = 0; column < kColumns; ++column) {
        const int stored = number(row, column, bits) + (1 << (bits - 1));
        EXPECT_EQ(packed_at(bytes_of(down), {true, false, bits, kColumns}, row, column), stored);
        EXPECT_EQ(packed_at(bytes_of(across), {false, false, bits, words_of(kColumns, bits)}, row, column),
                  stored);
      }
    }
  }
}

}  // namespace
}  // namespace caravan
