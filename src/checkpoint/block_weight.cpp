#include <cmath>

#include "base/error.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/quantized_formats.h"

namespace caravan {

namespace {

/// Bytes of a stored row.
size_t row_bytes(const StoredWeight& weight) {
  return static_cast<size_t>(weight.shape[1]) / weight.encoding->block_elements *
         weight.encoding->block_bytes;
}

/// Where block `block` of the weight's row `output` begins.
const std::byte* block_at(const StoredWeight& weight, int64_t output, int64_t block) {
  return weight.bytes.data() + static_cast<size_t>(source_row(weight, output)) * row_bytes(weight) +
         static_cast<size_t>(block) * weight.encoding->block_bytes;
}

void read_values(const StoredWeight& weight, int64_t first, int64_t count, int8_t* values) {
  const auto width = static_cast<int64_t>(weight.encoding->block_elements);
  for (int64_t output = first; output < first + count; ++output) {
    for (int64_t block = 0; block < weight.shape[1] / width; ++block, values += width)
      read_numbers(*weight.encoding->blocks, block_at(weight, output, block), values);
  }
}

float finite(const StoredWeight& weight, const char* what, float value, int64_t output) {
  if (std::isfinite(value)) return value;
  fail(where_is(weight), " holds the ", what, " ", value, " for row ", output, ", expected a finite number");
}

}  // namespace

bool is_block_matrix(const StoredWeight& weight) {
  return weight.encoding && weight.encoding->blocks && weight.shape.rank() == 2;
}

FoundWeight block_weight(const StoredWeight& weight) {
  const GgmlType type = *weight.encoding->blocks;
  MatrixParts parts;
  parts.values = weight;
  parts.quant = quant_of(type);
  parts.out = weight.shape[0];
  parts.in = weight.shape[1];
  parts.read_values = [weight](int64_t first, int64_t count, int8_t* values) {
    read_values(weight, first, count, values);
  };
  // A chunk is a block of the file, whether it has one group or several.
  parts.scale = [weight, type](int64_t output, int64_t chunk) {
    return finite(weight, "scale", scales_of_block(type, block_at(weight, output, chunk)).scale, output);
  };
  if (parts.quant.minimums) {
    parts.minimum = [weight, type](int64_t output, int64_t chunk) {
      return finite(weight, "minimum", scales_of_block(type, block_at(weight, output, chunk)).minimum,
                    output);
    };
  }
  if (parts.quant.block != 0) {
    const int64_t groups = groups_of_chunk(parts.quant);
    parts.multiples = [weight, type, groups](int64_t output, int64_t group) {
      return multiples_of_group(type, block_at(weight, output, group / groups),
                                static_cast<size_t>(group % groups));
    };
  }
  parts.scale_dtype = DType::kF16;
  // Scales lie among the numbers and are read after them, and rows of a head lie in an order of their own.
  parts.read_across = true;
  parts.stored.push_back(weight);
  require_sizes(parts);
  return found_weight(weight.name, std::move(parts));
}

}  // namespace caravan
