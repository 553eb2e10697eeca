#include "checkpoint/gguf/blocks.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace caravan {

namespace {

/// Where the parts of a block are, in bytes.
struct BlockForm {
  GgmlType type;
  WeightQuant quant;
  size_t scale = 0;
  size_t minimum = 0;    ///< where there are minimums
  size_t multiples = 0;  ///< where groups are of a block
  size_t nibbles = 0;    ///< of Q8_0: bytes
  size_t high_bits = 0;  ///< fifth bits, or, of Q6_K, those above a nibble
};

constexpr WeightQuant numbers_of(int bits, bool minimums) {
  return {.bits = bits, .group = 32, .minimums = minimums};
}
constexpr WeightQuant blocked(int bits, int64_t group, bool minimums) {
  return {.bits = bits, .group = group, .minimums = minimums, .block = kMaxBlockElements};
}

constexpr std::array<BlockForm, kExpandable.size()> kForms = {{
    {GgmlType::kQ40, numbers_of(4, false), 0, 0, 0, 2, 0},
    {GgmlType::kQ41, numbers_of(4, true), 0, 2, 0, 4, 0},
    {GgmlType::kQ50, numbers_of(8, false), 0, 0, 0, 6, 2},
    {GgmlType::kQ51, numbers_of(8, true), 0, 2, 0, 8, 4},
    {GgmlType::kQ80, numbers_of(8, false), 0, 0, 0, 2, 0},
    {GgmlType::kQ4K, blocked(4, 32, true), 0, 2, 4, 16, 0},
    {GgmlType::kQ5K, blocked(8, 32, true), 0, 2, 4, 48, 16},
    {GgmlType::kQ6K, blocked(8, 16, false), 208, 0, 192, 0, 128},
}};

const BlockForm* find_form(GgmlType type) {
  const auto* const found =
      std::find_if(kForms.begin(), kForms.end(), [type](const BlockForm& form) { return form.type == type; });
  return found == kForms.end() ? nullptr : found;
}

const BlockForm& form_of(GgmlType type) {
  const BlockForm* form = find_form(type);
  CARAVAN_CHECK(form != nullptr);
  return *form;
}

uint32_t byte_at(const std::byte* bytes, size_t at) { return std::to_integer<uint32_t>(bytes[at]); }

float half_at(const std::byte* bytes, size_t at) {
  return to_float(Half{static_cast<uint16_t>(byte_at(bytes, at) | (byte_at(bytes, at + 1) << 8U))});
}

/// Those of group j, from the 12 bytes of Q4_K and Q5_K.
GroupMultiples six_bit_multiples(const std::byte* bytes, size_t j) {
  const auto both = [](uint32_t scale, uint32_t minimum) {
    return GroupMultiples{static_cast<int8_t>(scale), static_cast<int8_t>(minimum)};
  };
  if (j < 4) return both(byte_at(bytes, j) & 0x3FU, byte_at(bytes, j + 4) & 0x3FU);
  const uint32_t low = byte_at(bytes, j + 4);
  return both((low & 0xFU) | ((byte_at(bytes, j - 4) >> 2U) & 0x30U),
              (low >> 4U) | ((byte_at(bytes, j) >> 2U) & 0x30U));
}

/// The quanta of 4 bits of `count` values whose first nibble of each byte is of the first half: 32 of the
/// plain types, and of each pair of groups of Q4_K and Q5_K 64.
void read_nibbles(const std::byte* nibbles, size_t count, uint8_t* quanta) {
  const size_t half = count / 2;
  for (size_t i = 0; i < half; ++i) {
    const uint32_t both = byte_at(nibbles, i);
    quanta[i] = both & 0xFU;
    quanta[i + half] = static_cast<uint8_t>(both >> 4U);
  }
}

/// All bits of the quanta of a block of any type but Q8_0: [32] or [256].
void read_quanta(const BlockForm& form, const std::byte* block, uint8_t* quanta) {
  const std::byte* const high = block + form.high_bits;
  if (form.quant.block == 0) {
    read_nibbles(block + form.nibbles, 32, quanta);
    if (form.quant.bits == 4) return;
    for (size_t i = 0; i < 32; ++i)
      quanta[i] |= static_cast<uint8_t>(((byte_at(high, i / 8) >> (i % 8)) & 1U) << 4U);
    return;
  }
  // Nibbles of a piece of 64 values of Q4_K and Q5_K, and of 128 of Q6_K, lie together.
  const size_t piece = form.type == GgmlType::kQ6K ? 128 : 64;
  for (size_t at = 0; at < kMaxBlockElements; at += piece)
    read_nibbles(block + form.nibbles + at / 2, piece, quanta + at);
  if (form.type == GgmlType::kQ4K) return;
  for (size_t i = 0; i < kMaxBlockElements; ++i) {
    const uint32_t bits = form.type == GgmlType::kQ5K
                              ? (byte_at(high, i % 32) >> (i / 32)) & 1U
                              : (byte_at(high, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2)) & 3U;
    quanta[i] |= static_cast<uint8_t>(bits << 4U);
  }
}

/// What a quantum is less than the number that it is stored as.
int32_t center_of(const BlockForm& form) {
  if (form.quant.bits == 4) return 8;
  if (form.quant.minimums) return 0;
  return form.type == GgmlType::kQ6K ? 32 : 16;
}

}  // namespace

bool is_expandable(GgmlType type) { return find_form(type) != nullptr; }

WeightQuant quant_of(GgmlType type) { return form_of(type).quant; }

BlockScales scales_of_block(GgmlType type, const std::byte* block) {
  const BlockForm& form = form_of(type);
  BlockScales scales = {half_at(block, form.scale), 0.0F};
  if (!form.quant.minimums) return scales;
  const float minimum = half_at(block, form.minimum);
  // K-quants subtract what the others add.
  scales.minimum = form.quant.block == 0 ? -minimum : minimum;
  return scales;
}

GroupMultiples multiples_of_group(GgmlType type, const std::byte* block, size_t group) {
  const BlockForm& form = form_of(type);
  if (form.quant.block == 0) return {};
  if (form.quant.minimums) return six_bit_multiples(block + form.multiples, group);
  return {static_cast<int8_t>(byte_at(block, form.multiples + group)), 1};
}

void read_numbers(GgmlType type, const std::byte* block, int8_t* numbers) {
  const BlockForm& form = form_of(type);
  if (type == GgmlType::kQ80) {
    std::memcpy(numbers, block + form.nibbles, 32);
    return;
  }
  std::array<uint8_t, kMaxBlockElements> quanta{};
  read_quanta(form, block, quanta.data());
  const auto count = static_cast<size_t>(info_of(type).block_elements);
  const int32_t center = center_of(form);
  for (size_t i = 0; i < count; ++i) numbers[i] = static_cast<int8_t>(quanta[i] - center);
}

void expand_blocks(GgmlType type, std::span<const std::byte> blocks, float* values) {
  const GgmlTypeInfo& info = info_of(type);
  const WeightQuant quant = quant_of(type);
  const int32_t zero = quant.minimums ? unsigned_zero(quant) : 0;
  const auto bytes = static_cast<size_t>(info.block_bytes);
  const auto elements = static_cast<size_t>(info.block_elements);
  const auto group = static_cast<size_t>(quant.group);
  CARAVAN_CHECK_EQ(blocks.size() % bytes, 0U);
  std::array<int8_t, kMaxBlockElements> numbers{};
  for (size_t at = 0; at < blocks.size(); at += bytes, values += elements) {
    const std::byte* block = blocks.data() + at;
    read_numbers(type, block, numbers.data());
    const BlockScales of_block = scales_of_block(type, block);
    for (size_t i = 0; i < elements; i += group) {
      const GroupMultiples multiples = multiples_of_group(type, block, i / group);
      const float scale = of_block.scale * static_cast<float>(multiples.scale);
      const float minimum = of_block.minimum * static_cast<float>(multiples.minimum);
      for (size_t j = i; j < i + group; ++j)
        values[j] = scale * static_cast<float>(numbers[j] - zero) - minimum;
    }
  }
}

}  // namespace caravan
