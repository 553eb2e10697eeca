#include "checkpoint/matrix_parts.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <sstream>
#include <utility>

#include "base/error.h"

namespace caravan {

namespace {

template <typename T>
float element_at(const std::byte* bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes + static_cast<size_t>(index) * sizeof value, sizeof value);
  return to_float(value);
}

float element_at(const StoredWeight& weight, int64_t index) {
  switch (weight.encoding->dtype) {
    case DType::kF16:
      return element_at<Half>(weight.bytes.data(), index);
    case DType::kBF16:
      return element_at<BFloat16>(weight.bytes.data(), index);
    default:
      return element_at<float>(weight.bytes.data(), index);
  }
}

template <typename T>
std::string alternatives(const std::vector<T>& options) {
  std::ostringstream text;
  for (size_t i = 0; i < options.size(); ++i) text << (i == 0 ? "" : " or ") << options[i];
  return text.str();
}

void read(const MatrixParts& parts, int64_t first, int64_t count, const QuantizedRows& rows) {
  parts.read_values(first, count, rows.values);
  const int64_t groups = groups_of(parts.quant, parts.in);
  const int64_t chunks = chunks_of(parts.quant, parts.in);
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      rows.scales[row * chunks + chunk] = parts.scale(first + row, chunk);
      if (parts.minimum) rows.minimums[row * chunks + chunk] = parts.minimum(first + row, chunk);
    }
    for (int64_t group = 0; group < groups; ++group) {
      if (parts.zero) rows.zeros[row * groups + group] = parts.zero(first + row, group);
      if (!parts.multiples) continue;
      const GroupMultiples multiples = parts.multiples(first + row, group);
      rows.multiples[row * groups + group] = multiples.scale;
      if (parts.minimum) rows.minimum_multiples[row * groups + group] = multiples.minimum;
    }
  }
}

}  // namespace

void require_sizes(const MatrixParts& parts) {
  const std::string where = where_is(parts.values);
  if (std::min(parts.out, parts.in) < 1 || std::max(parts.out, parts.in) > kMaxMatrixSide) {
    fail(where, " is a matrix of ", parts.out, " x ", parts.in, " numbers, expected sizes from 1 to ",
         kMaxMatrixSide);
  }
  if (parts.quant.group != 0 && parts.in % parts.quant.group != 0) {
    fail(where, " is a matrix of ", parts.in, " inputs, which groups of ", parts.quant.group,
         " do not divide, expected a group size that does");
  }
  if (parts.rows.mode != ActivationQuant::kNone && parts.in > kMaxQuantizedInputs) {
    fail(where, " is a matrix of ", parts.in, " inputs, expected at most ", kMaxQuantizedInputs,
         " where activations are quantised");
  }
}

FoundWeight found_weight(const std::string& name, MatrixParts parts) {
  FoundWeight found;
  found.weight.name = name;
  // A group of all inputs is a scale for each output.
  if (parts.quant.group == parts.in) parts.quant.group = 0;
  found.weight.quant = parts.quant;
  found.weight.quant.zero_points = static_cast<bool>(parts.zero);
  CARAVAN_CHECK_EQ(parts.quant.minimums, static_cast<bool>(parts.minimum));
  CARAVAN_CHECK_EQ(parts.quant.block != 0, static_cast<bool>(parts.multiples));
  found.weight.rows = parts.rows;
  found.weight.scale = parts.scale_dtype;
  found.weight.out = parts.out;
  found.weight.in = parts.in;
  found.weight.row_kept = parts.row_kept;
  for (const StoredWeight& part : parts.stored) found.parts.push_back(part.name);
  const auto shared = std::make_shared<const MatrixParts>(std::move(parts));
  const auto rows_read = std::make_shared<std::atomic<int64_t>>(0);
  found.weight.read = [shared, rows_read](int64_t first, int64_t count, const QuantizedRows& rows) {
    read(*shared, first, count, rows);
    if (!shared->read_across) return;
    if (rows_read->fetch_add(count) + count < shared->out) return;
    for (const StoredWeight& part : shared->stored) part.file->release(part.bytes);
  };
  return found;
}

const StoredWeight& part_of(const StoredTensors& tensors, const std::string& module, const std::string& name,
                            const StoredWeight& values) {
  const auto found = tensors.find(module + "." + name);
  if (found != tensors.end()) return found->second;
  fail(where_is(values), " is quantised, but there is no tensor ", in_quotes(module + "." + name),
       ", expected it in the same checkpoint");
}

void require_part(const StoredWeight& part, const std::vector<std::string>& types,
                  const std::vector<Shape>& shapes) {
  if (std::find(types.begin(), types.end(), part.type_name) == types.end())
    fail(where_is(part), " is stored as ", in_quotes(part.type_name), ", expected ", alternatives(types));
  if (std::find(shapes.begin(), shapes.end(), part.shape) == shapes.end())
    fail(where_is(part), " has shape ", part.shape, ", expected ", alternatives(shapes));
}

std::pair<int64_t, int64_t> stored_shape(const StoredWeight& shape) {
  require_part(shape, {"I64", "I32"}, {{2}});
  int64_t sizes[2] = {};
  for (size_t axis = 0; axis < 2; ++axis) {
    if (shape.type_name == "I64") {
      std::memcpy(&sizes[axis], shape.bytes.data() + axis * sizeof(int64_t), sizeof(int64_t));
    } else {
      int32_t size = 0;
      std::memcpy(&size, shape.bytes.data() + axis * sizeof size, sizeof size);
      sizes[axis] = size;
    }
    if (sizes[axis] < 1 || sizes[axis] > kMaxMatrixSide) {
      fail(where_is(shape), " holds the size ", sizes[axis], ", expected sizes from 1 to ", kMaxMatrixSide);
    }
  }
  return {sizes[0], sizes[1]};
}

const std::vector<std::string>& scale_types() {
  static const std::vector<std::string> kTypes = {"F32", "F16", "BF16"};
  return kTypes;
}

float scale_at(const StoredWeight& scales, int64_t index) {
  const float scale = element_at(scales, index);
  if (std::isfinite(scale) && scale >= 0.0F) return scale;
  fail(where_is(scales), " holds the scale ", scale, " as element ", index,
       ", expected a finite number that is not negative");
}

void set_scales(MatrixParts& parts, const StoredWeight& scales, const PartSteps& steps) {
  parts.scale = [scales, steps](int64_t output, int64_t group) {
    return scale_at(scales, output * steps.output + group * steps.group);
  };
  parts.scale_dtype = scales.encoding->dtype;
  parts.stored.push_back(scales);
}

}  // namespace caravan
