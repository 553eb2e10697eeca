#include "checkpoint/gguf/blocks.h"

#include <algorithm>

#include "base/error.h"

namespace caravan {

namespace {

uint32_t byte_at(const std::byte* bytes, size_t at) { return std::to_integer<uint32_t>(bytes[at]); }

float scale_at(const std::byte* bytes, size_t at) {
  return to_float(Half{static_cast<uint16_t>(byte_at(bytes, at) | (byte_at(bytes, at + 1) << 8U))});
}

float signed_at(const std::byte* bytes, size_t at) {
  return static_cast<float>(static_cast<int8_t>(byte_at(bytes, at)));
}

/// Quantum i of 32 whose nibbles are in 16 bytes.
uint32_t nibble(const std::byte* bytes, size_t i) {
  return i < 16 ? byte_at(bytes, i) & 0xFU : byte_at(bytes, i - 16) >> 4U;
}

/// The fifth bit of quantum i of 32, in its place.
uint32_t fifth_bit(const std::byte* bytes, size_t i) {
  return ((byte_at(bytes, i / 8) >> (i % 8)) & 1U) << 4U;
}

/// q as the signed number that it stands for.
float centered(uint32_t q, int32_t center) { return static_cast<float>(static_cast<int32_t>(q) - center); }

struct ScaleAndMinimum {
  uint32_t scale = 0;
  uint32_t minimum = 0;
};

/// Those of group j, from the 12 bytes of Q4_K and Q5_K.
ScaleAndMinimum scale_and_minimum(const std::byte* bytes, size_t j) {
  if (j < 4) return {byte_at(bytes, j) & 0x3FU, byte_at(bytes, j + 4) & 0x3FU};
  const uint32_t low = byte_at(bytes, j + 4);
  return {(low & 0xFU) | ((byte_at(bytes, j - 4) >> 2U) & 0x30U),
          (low >> 4U) | ((byte_at(bytes, j) >> 2U) & 0x30U)};
}

/// Q4_K, and Q5_K where there are fifth bits.
void expand_k(const std::byte* block, const std::byte* fifth_bits, const std::byte* nibbles, float* values) {
  const float d = scale_at(block, 0);
  const float e = scale_at(block, 2);
  for (size_t j = 0; j < 8; ++j) {
    const ScaleAndMinimum of_group = scale_and_minimum(block + 4, j);
    const float scale = d * static_cast<float>(of_group.scale);
    const float minimum = e * static_cast<float>(of_group.minimum);
    for (size_t i = 0; i < 32; ++i) {
      uint32_t q = (byte_at(nibbles, j / 2 * 32 + i) >> (j % 2 * 4)) & 0xFU;
      if (fifth_bits != nullptr) q |= ((byte_at(fifth_bits, i) >> j) & 1U) << 4U;
      values[j * 32 + i] = scale * static_cast<float>(q) - minimum;
    }
  }
}

using ExpandBlock = void (*)(const std::byte*, float*);

ExpandBlock expander_of(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_0:
      return expand_q4_0;
    case GgmlType::kQ4_1:
      return expand_q4_1;
    case GgmlType::kQ5_0:
      return expand_q5_0;
    case GgmlType::kQ5_1:
      return expand_q5_1;
    case GgmlType::kQ8_0:
      return expand_q8_0;
    case GgmlType::kQ4_K:
      return expand_q4_k;
    case GgmlType::kQ5_K:
      return expand_q5_k;
    case GgmlType::kQ6_K:
      return expand_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

void expand_q4_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  for (size_t i = 0; i < 32; ++i) values[i] = d * centered(nibble(block + 2, i), 8);
}

void expand_q4_1(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  const float m = scale_at(block, 2);
  for (size_t i = 0; i < 32; ++i) values[i] = d * static_cast<float>(nibble(block + 4, i)) + m;
}

void expand_q5_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  for (size_t i = 0; i < 32; ++i)
    values[i] = d * centered(nibble(block + 6, i) | fifth_bit(block + 2, i), 16);
}

void expand_q5_1(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  const float m = scale_at(block, 2);
  for (size_t i = 0; i < 32; ++i)
    values[i] = d * static_cast<float>(nibble(block + 8, i) | fifth_bit(block + 4, i)) + m;
}

void expand_q8_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  for (size_t i = 0; i < 32; ++i) values[i] = signed_at(block, 2 + i) * d;
}

void expand_q4_k(const std::byte* block, float* values) { expand_k(block, nullptr, block + 16, values); }

void expand_q5_k(const std::byte* block, float* values) { expand_k(block, block + 16, block + 48, values); }

void expand_q6_k(const std::byte* block, float* values) {
  const std::byte* high_bits = block + 128;
  const std::byte* scales = block + 192;
  const float d = scale_at(block, 208);
  for (size_t i = 0; i < 256; ++i) {
    const size_t half = i / 128;
    const size_t in_half = i % 128;
    const uint32_t low = (byte_at(block, half * 64 + in_half % 64) >> (in_half / 64 * 4)) & 0xFU;
    const uint32_t high = (byte_at(high_bits, half * 32 + in_half % 32) >> (in_half / 32 * 2)) & 3U;
    values[i] = d * signed_at(scales, i / 16) * centered(low | (high << 4U), 32);
  }
}

bool is_expandable(GgmlType type) {
  return std::find(kExpandable.begin(), kExpandable.end(), type) != kExpandable.end();
}

void expand_blocks(GgmlType type, std::span<const std::byte> blocks, float* values) {
  const ExpandBlock expand = expander_of(type);
  CARAVAN_CHECK(expand != nullptr);
  const GgmlTypeInfo& info = info_of(type);
  const auto bytes = static_cast<size_t>(info.block_bytes);
  CARAVAN_CHECK_EQ(blocks.size() % bytes, 0U);
  for (size_t at = 0; at < blocks.size(); at += bytes, values += info.block_elements)
    expand(blocks.data() + at, values);
}

}  // namespace caravan
