#include <cstring>

#include "base/error.h"
#include "checkpoint/quantized/unpack.h"
#include "checkpoint/quantized_formats.h"

namespace caravan {

namespace {

/// The shape of MODULE.qweight, which must be int32 with 2 dimensions.
Shape packed_shape(const StoredWeight& values) {
  require_part(values, {"I32"}, {values.shape});
  if (values.shape.rank() != 2)
    fail(where_is(values), " has shape ", values.shape, ", expected 2 dimensions");
  for (size_t axis = 0; axis < 2; ++axis) {
    if (values.shape[axis] > kMaxMatrixSide) {
      fail(where_is(values), " has shape ", values.shape, ", expected sizes from 1 to ", kMaxMatrixSide);
    }
  }
  return values.shape;
}

/// What both formats have: a weight whose numbers lie input by input, and scales [groups, out].
MatrixParts parts_of(const StoredWeight& values, int bits, int64_t group, int64_t out, int64_t in) {
  MatrixParts parts;
  parts.values = values;
  parts.quant.bits = bits;
  parts.quant.group = group;
  parts.out = out;
  parts.in = in;
  parts.read_across = true;
  parts.stored.push_back(values);
  require_sizes(parts);
  return parts;
}

void set_group_scales(MatrixParts& parts, const std::string& module, const StoredTensors& tensors) {
  const StoredWeight& scales = part_of(tensors, module, "scales", parts.values);
  require_part(scales, scale_types(), {{groups_of(parts.quant, parts.in), parts.out}});
  set_scales(parts, scales, {1, parts.out});
}

/// MODULE.qzeros, int32 [groups, words].
const StoredWeight& require_zeros(MatrixParts& parts, const std::string& module,
                                  const StoredTensors& tensors) {
  const StoredWeight& zeros = part_of(tensors, module, "qzeros", parts.values);
  require_part(zeros, {"I32"}, {{groups_of(parts.quant, parts.in), words_of(parts.out, parts.quant.bits)}});
  parts.stored.push_back(zeros);
  return zeros;
}

void set_gptq_zeros(MatrixParts& parts, const GptqConfig& config, const StoredWeight& zeros) {
  const PackedOrder order = {false, false, config.bits, zeros.shape[1]};
  const uint32_t added = config.zeros_less_1 ? 1 : 0;
  const auto zero_at = [zeros, order, added](int64_t output, int64_t group) {
    // 0 less 1 was stored as the largest number.
    const uint32_t zero = (packed_at(zeros.bytes, order, group, output) + added) & ((1U << order.bits) - 1);
    return static_cast<int8_t>(static_cast<int>(zero) - (1 << (order.bits - 1)));
  };
  if (!config.symmetric) {
    parts.zero = zero_at;
    return;
  }
  // Nobody reads them then: they are checked with the scales, once.
  parts.scale = [scale = parts.scale, zero_at, zeros, config](int64_t output, int64_t group) {
    if (zero_at(output, group) != 0) {
      fail(where_is(zeros), " holds another zero point than the middle for output ", output,
           ", expected it everywhere since config.json says that \"sym\" is true and the format is ",
           config.zeros_less_1 ? "\"gptq\"" : "\"gptq_v2\"");
    }
    return scale(output, group);
  };
}

}  // namespace

void require_plain_order(const StoredWeight& order, int64_t in, int64_t group) {
  require_part(order, {"I32"}, {{in}});
  for (int64_t input = 0; input < in; ++input) {
    int32_t found = 0;
    std::memcpy(&found, order.bytes.data() + static_cast<size_t>(input) * sizeof found, sizeof found);
    if (found == (group == 0 ? 0 : input / group)) continue;
    fail(where_is(order), " puts input ", input, " into group ", found,
         ", expected groups of inputs that follow each other: quantise it without desc_act or actorder");
  }
}

FoundWeight gptq_weight(const GptqConfig& config, const std::string& module, const StoredWeight& values,
                        const StoredTensors& tensors) {
  const Shape shape = packed_shape(values);
  const int64_t out = shape[1];
  const int64_t in = shape[0] * per_word(config.bits);
  MatrixParts parts = parts_of(values, config.bits, config.group, out, in);
  const int bits = config.bits;
  parts.read_values = [values, bits, in, out](int64_t first, int64_t count, int8_t* to) {
    unpack_gptq(values.bytes, bits, in, out, first, count, to);
  };
  set_group_scales(parts, module, tensors);
  set_gptq_zeros(parts, config, require_zeros(parts, module, tensors));
  const auto order = tensors.find(module + ".g_idx");
  if (config.desc_act) part_of(tensors, module, "g_idx", values);
  if (order != tensors.end()) {
    require_plain_order(order->second, in, parts.quant.group);
    parts.stored.push_back(order->second);
  }
  return found_weight(module + ".weight", std::move(parts));
}

FoundWeight awq_weight(const AwqConfig& config, const std::string& module, const StoredWeight& values,
                       const StoredTensors& tensors) {
  constexpr int kBits = 4;
  const Shape shape = packed_shape(values);
  const int64_t in = shape[0];
  const int64_t out = shape[1] * per_word(kBits);
  MatrixParts parts = parts_of(values, kBits, config.group, out, in);
  parts.read_values = [values, in, out](int64_t first, int64_t count, int8_t* to) {
    unpack_awq(values.bytes, in, out, first, count, to);
  };
  set_group_scales(parts, module, tensors);
  // Without zero points some tools leave the tensor out and some fill it with the middle; what is there
  // counts.
  if (!config.zero_point && !tensors.contains(module + ".qzeros"))
    return found_weight(module + ".weight", std::move(parts));
  const StoredWeight& zeros = require_zeros(parts, module, tensors);
  const PackedOrder order = {false, true, kBits, zeros.shape[1]};
  parts.zero = [zeros, order](int64_t output, int64_t group) {
    return static_cast<int8_t>(static_cast<int>(packed_at(zeros.bytes, order, group, output)) - 8);
  };
  return found_weight(module + ".weight", std::move(parts));
}

}  // namespace caravan
