// What a WeightStore hands out: matrices and vectors, as they are stored, converted, packed or quantised.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/machine.h"
#include "checkpoint/fill.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/pack.h"
#include "checkpoint/pack_quantized.h"
#include "checkpoint/round_to_nearest.h"
#include "checkpoint/weight_state.h"

namespace caravan {

namespace {

std::vector<int64_t> rows_of(std::span<const WeightPart> parts) {
  std::vector<int64_t> rows;
  rows.reserve(parts.size());
  for (const WeightPart& part : parts) rows.push_back(part.rows);
  return rows;
}

/// Calls fill(parts, panels) for the parts of each of `experts` weights and its part of `whole`.
template <typename Fill>
void for_each_expert(const std::vector<WeightPart>& parts, int64_t experts, const TensorView& whole,
                     const Fill& fill) {
  const size_t count = parts.size() / static_cast<size_t>(experts);
  const int64_t panels = whole.shape[0] / experts;
  for (int64_t expert = 0; expert < experts; ++expert) {
    fill(std::span(parts).subspan(static_cast<size_t>(expert) * count, count),
         outer_part(whole, expert * panels, panels));
  }
}

/// Panels of each of `experts` weights.
int64_t panels_of(const std::vector<WeightPart>& parts, bool interleaved, int64_t experts) {
  CARAVAN_CHECK_EQ(static_cast<int64_t>(parts.size()) % experts, 0);
  const auto first = std::span(parts).first(parts.size() / static_cast<size_t>(experts));
  return static_cast<int64_t>(rows_of_panels(rows_of(first), interleaved).size());
}

/// The bytes of one weight. The system would hand out more than the machine has and later kill the process,
/// so what is free is asked first.
uint64_t bytes_that_are_free(const std::string& where, const Shape& shape, DType dtype) {
  const uint64_t bytes = static_cast<uint64_t>(shape.elements()) * size_of(dtype);
  const uint64_t available = machine_memory().available_bytes;
  if (bytes > available) {
    fail(where, " needs ", bytes, " bytes in ", name_of(dtype), ", but the machine has only ", available,
         " bytes of memory left: expected a smaller model, a smaller --dtype or a larger machine");
  }
  return bytes;
}

}  // namespace

Tensor WeightStore::State::allocate(const std::string& where, const Shape& shape, DType dtype) const {
  bytes_that_are_free(where, shape, dtype);
  return {dtype, shape};
}

TensorView WeightStore::State::allocate_packed(const std::string& where, const Shape& shape, DType dtype) {
  return {packed.take(bytes_that_are_free(where, shape, dtype)), dtype, shape};
}

std::string WeightStore::State::readable_types(const StoredWeight& weight) const {
  std::string names = "F32, F16 or BF16";
  if (!opened->gguf || weight.shape.rank() < 2) return names;
  for (const GgmlType type : kExpandable) names += " or " + std::string(info_of(type).name);
  return names;
}

/// Looks a tensor up and marks it as taken.
const StoredWeight& WeightStore::State::find(const std::string& name, const Shape& shape) {
  const auto place = opened->places.find(name);
  if (place == opened->places.end())
    fail(opened->folder.string(), ": the weight files hold no tensor ", in_quotes(name));
  const StoredWeight& weight = place->second;
  const std::string where = caravan::where_is(weight);
  if (weight.shape != shape)
    fail(where, " has shape ", weight.shape, ", expected ", shape, " by ", described_by());
  if (!weight.encoding.has_value()) {
    fail(where, " is stored as ", in_quotes(weight.type_name), ", expected ", readable_types(weight));
  }
  taken.insert(name);
  return weight;
}

Tensor WeightStore::State::draw(const std::string& name, const Shape& shape, DType dtype) const {
  Tensor tensor = allocate(where_is(name), shape, dtype);
  draw_dummy_weight(name, tensor.view());
  return tensor;
}

ConstTensorView WeightStore::take(const std::string& name, const Shape& shape, DType dtype,
                                  Residency residency) {
  CARAVAN_CHECK(is_floating(dtype));
  const auto keep = [&](Tensor tensor) {
    return state_->owned.emplace(std::pair(name, dtype), std::move(tensor)).first->second.view();
  };
  if (const auto known = state_->owned.find({name, dtype}); known != state_->owned.end()) {
    if (known->second.shape() == shape) return known->second.view();
    fail(state_->where_is(name), " has shape ", known->second.shape(), ", expected ", shape);
  }
  if (state_->format == LoadFormat::kDummy) return keep(state_->draw(name, shape, dtype));
  const StoredWeight& weight = state_->find(name, shape);
  if (is_stored_as(weight, dtype)) {
    if (residency == Residency::kWhole) weight.file->bring_in(weight.bytes);
    return {weight.bytes.data(), dtype, shape};
  }
  Tensor converted = state_->allocate(caravan::where_is(weight), shape, dtype);
  read_weight(weight, converted.view());
  return keep(std::move(converted));
}

void WeightStore::State::fill_panels(std::span<const WeightPart> parts, bool interleaved,
                                     const TensorView& panels, int64_t in) {
  std::vector<const StoredWeight*> sources;
  std::vector<Tensor> drawn;
  for (const WeightPart& part : parts) {
    const Shape shape = {part.rows, in};
    if (format == LoadFormat::kDummy) {
      drawn.push_back(draw(part.name, shape, panels.dtype));
    } else {
      sources.push_back(&find(part.name, shape));
    }
  }
  const auto read = [&](int64_t source, int64_t first, int64_t count, const TensorView& to) {
    const auto index = static_cast<size_t>(source);
    if (!drawn.empty()) {
      const size_t row = static_cast<size_t>(in) * size_of(panels.dtype);
      std::memcpy(to.data, drawn[index].as_bytes() + static_cast<size_t>(first) * row,
                  static_cast<size_t>(count) * row);
      return;
    }
    read_rows(*sources[index], first, count, to);
  };
  pack_panels(rows_of(parts), interleaved, in, read, panels);
}

ConstTensorView WeightStore::take_panels(const std::vector<WeightPart>& parts, int64_t in, DType dtype,
                                         bool interleaved, int64_t experts) {
  const int64_t panels = experts * panels_of(parts, interleaved, experts);
  const TensorView packed = state_->allocate_packed(state_->where_is(parts.front().name),
                                                    panel_shape(panels * kPanelOutputs, in, dtype), dtype);
  for_each_expert(parts, experts, packed, [&](std::span<const WeightPart> some, const TensorView& part) {
    state_->fill_panels(some, interleaved, part, in);
  });
  return packed;
}

/// A matrix that is stored, or drawn, as it is: rounded as it is read.
QuantizedWeight WeightStore::State::round(const WeightPart& part, int64_t in,
                                          const QuantizedFormat& quantized_as) {
  QuantizedWeight weight = {
      part.name, quantized_as.weight, quantized_as.rows, quantized_as.scale, part.rows, in, {}};
  const Sparsity pruned = quantized_as.row_kept == 0 ? Sparsity::kNone : sparsity;
  CARAVAN_CHECK_EQ(pruned != Sparsity::kNone, quantized_as.row_kept != 0);
  const auto round_rows = [in, quantized_as, pruned, where = where_is(part.name)](
                              const float* rows, int64_t count, const QuantizedRows& to) {
    require_finite(rows, count * in, where);
    std::vector<float> left;
    if (pruned != Sparsity::kNone) {
      left.assign(rows, rows + count * in);
      for (int64_t row = 0; row < count; ++row)
        prune(std::span(left).subspan(static_cast<size_t>(row * in), static_cast<size_t>(in)), pruned);
      rows = left.data();
    }
    round_to_nearest(rows, count, in, quantized_as.weight, quantized_as.scale, to);
  };
  const Shape shape = {part.rows, in};
  if (format == LoadFormat::kDummy) {
    const auto drawn = std::make_shared<Tensor>(draw(part.name, shape, DType::kF32));
    weight.read = [drawn, in, round_rows](int64_t first, int64_t count, const QuantizedRows& to) {
      round_rows(drawn->as<float>() + first * in, count, to);
    };
    return weight;
  }
  const StoredWeight& stored = find(part.name, shape);
  weight.read = [&stored, in, round_rows](int64_t first, int64_t count, const QuantizedRows& to) {
    const Tensor rows(DType::kF32, {count, in});
    read_rows(stored, first, count, rows.view());
    round_rows(rows.as<float>(), count, to);
  };
  return weight;
}

QuantizedWeight WeightStore::State::quantized_part(const WeightPart& part, int64_t in,
                                                   const QuantizedFormat& quantized_as) {
  const auto known = quantized.find(part.name);
  if (known == quantized.end()) return round(part, in, quantized_as);
  const QuantizedWeight& weight = known->second.weight;
  const Shape shape = {weight.out, weight.in};
  if (shape != Shape{part.rows, in}) {
    fail(where_is(part.name), " has shape ", shape, ", expected ", Shape{part.rows, in}, " by ",
         described_by());
  }
  // Scales of a lifted weight become others.
  CARAVAN_CHECK(weight.quant == quantized_as.weight &&
                (is_lifted(quantized_as) || weight.scale == quantized_as.scale));
  taken.insert(known->second.parts.begin(), known->second.parts.end());
  return weight;
}

void WeightStore::State::fill_quantized(std::span<const WeightPart> parts, bool interleaved,
                                        const QuantizedFormat& quantized_as, const TensorView& blob,
                                        int64_t in) {
  std::vector<QuantizedWeight> sources;
  sources.reserve(parts.size());
  for (const WeightPart& part : parts) sources.push_back(quantized_part(part, in, quantized_as));
  const auto read = [&sources](int64_t source, int64_t first, int64_t count, const QuantizedRows& to) {
    sources[static_cast<size_t>(source)].read(first, count, to);
  };
  pack_quantized(rows_of(parts), interleaved, in, quantized_as, read, blob);
}

ConstTensorView WeightStore::take_quantized(const std::vector<WeightPart>& parts, int64_t in,
                                            const QuantizedFormat& format, bool interleaved,
                                            int64_t experts) {
  const int64_t panels = experts * panels_of(parts, interleaved, experts);
  const TensorView packed =
      state_->allocate_packed(state_->where_is(parts.front().name),
                              quantized_shape(panels * kPanelOutputs, in, format), blob_dtype(format));
  for_each_expert(parts, experts, packed, [&](std::span<const WeightPart> some, const TensorView& part) {
    state_->fill_quantized(some, interleaved, format, part, in);
  });
  return packed;
}

ConstTensorView WeightStore::take_vectors(const std::vector<WeightPart>& parts, bool interleaved) {
  std::vector<int64_t> counts;
  std::vector<ConstTensorView> vectors;
  for (const WeightPart& part : parts) {
    counts.push_back(part.rows);
    vectors.push_back(take(part.name, {part.rows}, DType::kF32));
  }
  const std::vector<std::vector<PackedRows>> plan = rows_of_panels(counts, interleaved);
  const int64_t sum = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const int64_t size = interleaved ? static_cast<int64_t>(plan.size()) * kPanelOutputs : sum;
  Tensor whole(DType::kF32, {size});
  for (size_t panel = 0; panel < plan.size(); ++panel) {
    for (const PackedRows& part : plan[panel]) {
      const float* from = vectors[static_cast<size_t>(part.source)].as<float>() + part.first;
      std::copy_n(from, part.count,
                  whole.as<float>() + static_cast<int64_t>(panel) * kPanelOutputs + part.place);
    }
  }
  state_->assembled.push_back(std::move(whole));
  return state_->assembled.back().view();
}

}  // namespace caravan
