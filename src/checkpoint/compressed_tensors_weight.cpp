#include <cstring>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "checkpoint/bitmask_values.h"
#include "checkpoint/quantized/unpack.h"
#include "checkpoint/quantized_formats.h"

namespace caravan {

namespace {

/// Reads MODULE.weight, int8 [out, in].
void set_bytes(MatrixParts& parts, const StoredWeight& values) {
  require_part(values, {"I8"}, {values.shape});
  if (values.shape.rank() != 2)
    fail(where_is(values), " has shape ", values.shape, ", expected 2 dimensions");
  parts.out = values.shape[0];
  parts.in = values.shape[1];
  const int64_t in = parts.in;
  const bool nibbles = parts.quant.bits == 4;
  parts.read_values = [values, in, nibbles](int64_t first, int64_t count, int8_t* to) {
    const auto size = static_cast<size_t>(count * in);
    const auto source = values.bytes.subspan(static_cast<size_t>(first * in), size);
    std::memcpy(to, source.data(), size);
    for (size_t i = 0; nibbles && i < size; ++i) {
      if (to[i] >= -8 && to[i] <= 7) continue;
      fail(where_is(values), " holds the number ", static_cast<int>(to[i]),
           ", expected numbers from -8 to 7 by num_bits 4 of config.json");
    }
    values.file->release(source);
  };
}

/// Reads MODULE.weight_packed, int32 [out, words].
void set_packed(MatrixParts& parts, const std::string& module, const StoredWeight& values,
                const StoredTensors& tensors) {
  const StoredWeight& shape = part_of(tensors, module, "weight_shape", values);
  std::tie(parts.out, parts.in) = stored_shape(shape);
  parts.stored.push_back(shape);
  const int bits = parts.quant.bits;
  const int64_t words = words_of(parts.in, bits);
  require_part(values, {"I32"}, {{parts.out, words}});
  const int64_t in = parts.in;
  parts.read_values = [values, bits, in, words](int64_t first, int64_t count, int8_t* to) {
    const auto row = static_cast<size_t>(words) * sizeof(uint32_t);
    const auto source =
        values.bytes.subspan(static_cast<size_t>(first) * row, static_cast<size_t>(count) * row);
    for (int64_t output = 0; output < count; ++output) {
      unpack_row(source.subspan(static_cast<size_t>(output) * row, row), bits, in, to + output * in);
    }
    values.file->release(source);
  };
}

/// The shapes that scales, and zero points that are not packed, may have, and where they lie.
struct Sharing {
  std::vector<Shape> shapes;
  PartSteps steps;
};

Sharing sharing_of(const QuantScheme& scheme, int64_t out, int64_t groups) {
  switch (scheme.sharing) {
    case ScaleSharing::kTensor:
      return {{{1}, Shape(), {1, 1}}, {0, 0}};
    case ScaleSharing::kChannel:
      return {{{out, 1}, {out}}, {1, 0}};
    case ScaleSharing::kGroup:
      return {{{out, groups}}, {groups, 1}};
  }
  return {};
}

void set_byte_zeros(MatrixParts& parts, const StoredWeight& zeros, const Sharing& sharing) {
  require_part(zeros, {"I8"}, sharing.shapes);
  const PartSteps steps = sharing.steps;
  const bool nibbles = parts.quant.bits == 4;
  parts.zero = [zeros, steps, nibbles](int64_t output, int64_t group) {
    const auto at = static_cast<size_t>(output * steps.output + group * steps.group);
    const auto zero = static_cast<int8_t>(std::to_integer<uint8_t>(zeros.bytes[at]));
    if (nibbles && (zero < -8 || zero > 7)) {
      fail(where_is(zeros), " holds the zero point ", static_cast<int>(zero),
           ", expected numbers from -8 to 7 by num_bits 4 of config.json");
    }
    return zero;
  };
}

void set_zeros(MatrixParts& parts, const QuantScheme& scheme, const StoredWeight& zeros,
               const Sharing& sharing) {
  const int bits = scheme.bits;
  const int64_t groups = groups_of(parts.quant, parts.in);
  parts.stored.push_back(zeros);
  // Files of the package before 0.8 hold the zero points of packed numbers as bytes too.
  if (scheme.storage == QuantStorage::kBytes || scheme.sharing == ScaleSharing::kTensor ||
      zeros.type_name == "I8") {
    set_byte_zeros(parts, zeros, sharing);
    return;
  }
  require_part(zeros, {"I32"}, {{words_of(parts.out, bits), groups}});
  const PackedOrder order = {true, false, bits, groups};
  parts.zero = [zeros, order](int64_t output, int64_t group) {
    return static_cast<int8_t>(static_cast<int>(packed_at(zeros.bytes, order, output, group)) -
                               (1 << (order.bits - 1)));
  };
}

void set_static_activations(MatrixParts& parts, const QuantScheme& scheme, const std::string& module,
                            const StoredTensors& tensors) {
  const std::vector<Shape> one = {{1}, Shape()};
  const StoredWeight& scale = part_of(tensors, module, "input_scale", parts.values);
  require_part(scale, scale_types(), one);
  parts.stored.push_back(scale);
  parts.rows.scale = scale_at(scale, 0);
  if (parts.rows.scale == 0.0F) fail(where_is(scale), " is 0, expected a positive scale of activations");
  parts.rows.zero = 128;
  const auto zeros = tensors.find(module + ".input_zero_point");
  if (zeros == tensors.end() && scheme.symmetric_activations) return;
  const StoredWeight& zero = part_of(tensors, module, "input_zero_point", parts.values);
  require_part(zero, {"I8"}, one);
  parts.stored.push_back(zero);
  parts.rows.zero += static_cast<int8_t>(std::to_integer<uint8_t>(zero.bytes[0]));
}

/// g_idx, where there is one, must say what the groups' order says.
void set_input_order(MatrixParts& parts, const std::string& module, const StoredTensors& tensors) {
  const auto order = tensors.find(module + ".weight_g_idx");
  if (order == tensors.end()) return;
  require_plain_order(order->second, parts.in, parts.quant.group);
  parts.stored.push_back(order->second);
}

}  // namespace

FoundWeight compressed_tensors_weight(const QuantScheme& scheme, const std::string& module,
                                      const StoredWeight& values, const StoredTensors& tensors) {
  MatrixParts parts;
  parts.values = values;
  parts.quant.bits = scheme.bits;
  parts.quant.group = scheme.group;
  parts.rows.mode = scheme.activations;
  parts.stored.push_back(values);
  if (values.name.ends_with(".compressed")) {
    set_bitmask(parts, module, values, tensors);
  } else if (scheme.storage == QuantStorage::kBytes) {
    set_bytes(parts, values);
  } else {
    set_packed(parts, module, values, tensors);
  }
  require_sizes(parts);
  const Sharing sharing = sharing_of(scheme, parts.out, groups_of(parts.quant, parts.in));
  const StoredWeight& scales = part_of(tensors, module, "weight_scale", values);
  require_part(scales, scale_types(), sharing.shapes);
  set_scales(parts, scales, sharing.steps);
  const auto zeros = tensors.find(module + ".weight_zero_point");
  if (!scheme.symmetric) part_of(tensors, module, "weight_zero_point", values);
  if (zeros != tensors.end()) set_zeros(parts, scheme, zeros->second, sharing);
  if (scheme.activations == ActivationQuant::kStatic) set_static_activations(parts, scheme, module, tensors);
  set_input_order(parts, module, tensors);
  return found_weight(module + ".weight", std::move(parts));
}

}  // namespace caravan
