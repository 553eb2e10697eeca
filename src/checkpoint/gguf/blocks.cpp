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

/// Writes value(q, i) for each of 32 quanta whose nibbles are in 16 bytes.
template <typename Value>
void expand_nibbles(const std::byte* nibbles, const Value& value, float* values) {
  for (size_t i = 0; i < 16; ++i) {
    const uint32_t both = byte_at(nibbles, i);
    values[i] = value(both & 0xFU, i);
    values[i + 16] = value(both >> 4U, i + 16);
  }
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
    case GgmlType::kQ40:
      return expand_q4_0;
    case GgmlType::kQ41:
      return expand_q4_1;
    case GgmlType::kQ50:
      return expand_q5_0;
    case GgmlType::kQ51:
      return expand_q5_1;
    case GgmlType::kQ80:
      return expand_q8_0;
    case GgmlType::kQ4K:
      return expand_q4_k;
    case GgmlType::kQ5K:
      return expand_q5_k;
    case GgmlType::kQ6K:
      return expand_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

void expand_q4_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  expand_nibbles(
      block + 2, [d](uint32_t q, size_t) { return d * centered(q, 8); }, values);
}

void expand_q4_1(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  const float m = scale_at(block, 2);
  expand_nibbles(
      block + 4, [d, m](uint32_t q, size_t) { return d * static_cast<float>(q) + m; }, values);
}

void expand_q5_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  const auto value = [d, fifth = block + 2](uint32_t q, size_t i) {
    return d * centered(q | fifth_bit(fifth, i), 16);
  };
  expand_nibbles(block + 6, value, values);
}

void expand_q5_1(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  const float m = scale_at(block, 2);
  const auto value = [d, m, fifth = block + 4](uint32_t q, size_t i) {
    return d * static_cast<float>(q | fifth_bit(fifth, i)) + m;
  };
  expand_nibbles(block + 8, value, values);
}

void expand_q8_0(const std::byte* block, float* values) {
  const float d = scale_at(block, 0);
  for (size_t i = 0; i < 32; ++i) values[i] = signed_at(block, 2 + i) * d;
}

void expand_q4_k(const std::byte* block, float* values) { expand_k(block, nullptr, block + 16, values); }

void expand_q5_k(const std::byte* block, float* values) { expand_k(block, block + 16, block + 48, values); }

void expand_q6_k(const std::byte* block, float* values) {
  const float d = scale_at(block, 208);
  for (size_t group = 0; group < 16; ++group) {
    const size_t half = group / 8;
    const size_t in_half = group % 8 * 16;
    const std::byte* low = block + half * 64 + in_half % 64;
    const std::byte* high = block + 128 + half * 32 + in_half % 32;
    const float scale = d * signed_at(block + 192, group);
    for (size_t i = 0; i < 16; ++i) {
      const uint32_t q = ((byte_at(low, i) >> (in_half / 64 * 4)) & 0xFU) |
                         (((byte_at(high, i) >> (in_half / 32 * 2)) & 3U) << 4U);
      values[group * 16 + i] = scale * centered(q, 32);
    }
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
