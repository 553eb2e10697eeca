#include <cmath>
#include <cstring>

#include "base/error.h"
#include "checkpoint/quantized_formats.h"

namespace caravan {

namespace {

/// Of a block of Q8_0 or Q4_0, after its fp16 scale (checkpoint/gguf/blocks.h).
void read_block(GgmlType type, const std::byte* numbers, int8_t* values) {
  constexpr size_t kElements = 32;
  if (type == GgmlType::kQ80) {
    std::memcpy(values, numbers, kElements);
    return;
  }
  for (size_t i = 0; i < kElements / 2; ++i) {
    const auto both = std::to_integer<int>(numbers[i]);
    values[i] = static_cast<int8_t>((both & 0xF) - 8);
    values[i + kElements / 2] = static_cast<int8_t>((both >> 4) - 8);
  }
}

/// Bytes of a stored row.
size_t row_bytes(const StoredWeight& weight) {
  return static_cast<size_t>(weight.shape[1]) / weight.encoding->block_elements *
         weight.encoding->block_bytes;
}

void read_values(const StoredWeight& weight, int64_t first, int64_t count, int8_t* values) {
  const Encoding& encoding = *weight.encoding;
  const size_t row = row_bytes(weight);
  for (int64_t output = first; output < first + count; ++output) {
    const std::byte* blocks = weight.bytes.data() + static_cast<size_t>(source_row(weight, output)) * row;
    for (size_t at = 0; at < row; at += encoding.block_bytes) {
      read_block(*encoding.blocks, blocks + at + sizeof(Half), values);
      values += encoding.block_elements;
    }
  }
}

float read_scale(const StoredWeight& weight, int64_t output, int64_t group) {
  Half scale;
  std::memcpy(&scale,
              weight.bytes.data() + static_cast<size_t>(source_row(weight, output)) * row_bytes(weight) +
                  static_cast<size_t>(group) * weight.encoding->block_bytes,
              sizeof scale);
  const float value = to_float(scale);
  if (std::isfinite(value)) return value;
  fail(where_is(weight), " holds the scale ", value, " for row ", output, ", expected a finite number");
}

}  // namespace

bool is_block_matrix(const StoredWeight& weight) {
  if (!weight.encoding || weight.shape.rank() != 2) return false;
  return weight.encoding->blocks == GgmlType::kQ80 || weight.encoding->blocks == GgmlType::kQ40;
}

FoundWeight block_weight(const StoredWeight& weight) {
  MatrixParts parts;
  parts.values = weight;
  parts.quant.bits = weight.encoding->blocks == GgmlType::kQ80 ? 8 : 4;
  parts.quant.group = static_cast<int64_t>(weight.encoding->block_elements);
  parts.out = weight.shape[0];
  parts.in = weight.shape[1];
  parts.read_values = [weight](int64_t first, int64_t count, int8_t* values) {
    read_values(weight, first, count, values);
  };
  parts.scale = [weight](int64_t output, int64_t group) { return read_scale(weight, output, group); };
  parts.scale_dtype = DType::kF16;
  // Scales lie among the numbers and are read after them, and rows of a head lie in an order of their own.
  parts.read_across = true;
  parts.stored.push_back(weight);
  require_sizes(parts);
  return found_weight(weight.name, std::move(parts));
}

}  // namespace caravan
