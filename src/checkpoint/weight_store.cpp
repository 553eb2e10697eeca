#include "checkpoint/weight_store.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <unordered_map>

#include "base/error.h"
#include "base/machine.h"
#include "checkpoint/fill.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/gguf_weights.h"
#include "checkpoint/pack.h"
#include "checkpoint/pack_quantized.h"
#include "checkpoint/quantized_tensors.h"
#include "checkpoint/round_to_nearest.h"
#include "checkpoint/stored_weight.h"
#include "checkpoint/weight_files.h"
#include "tensor/buffer.h"

namespace caravan {

namespace fs = std::filesystem;

/// What is there to be taken: the same for all stores of one checkpoint, which share it.
struct WeightStore::Opened {
  fs::path folder;
  std::vector<WeightFile> files;  ///< of a folder with safetensors
  std::optional<GgufFile> gguf;   ///< or this
  StoredTensors places;

  void add(std::vector<StoredWeight>&& weights);
};

struct WeightStore::State {
  std::shared_ptr<const Opened> opened;
  LoadFormat format = LoadFormat::kAuto;

  std::set<std::string> taken;
  FoundWeights quantized;
  Sparsity sparsity = Sparsity::kNone;  ///< of what is rounded to a sparse format
  /// What take() converted or drew, so that asking twice (tied embeddings) costs once.
  std::map<std::pair<std::string, DType>, Tensor> owned;
  /// What take_vectors() put together.
  std::vector<Tensor> assembled;
  /// What take_panels() and take_quantized() did.
  Slabs packed;

  [[nodiscard]] Tensor allocate(const std::string& where, const Shape& shape, DType dtype) const;
  [[nodiscard]] TensorView allocate_packed(const std::string& where, const Shape& shape, DType dtype);
  [[nodiscard]] std::string where_is(const std::string& name) const;
  /// Where the shapes of the weights are said.
  [[nodiscard]] const char* described_by() const { return opened->gguf ? "its metadata" : "config.json"; }
  [[nodiscard]] std::string readable_types(const StoredWeight& weight) const;
  const StoredWeight& find(const std::string& name, const Shape& shape);
  [[nodiscard]] Tensor draw(const std::string& name, const Shape& shape, DType dtype) const;
  QuantizedWeight quantized_part(const WeightPart& part, int64_t in, const QuantizedFormat& format);
  QuantizedWeight round(const WeightPart& part, int64_t in, const QuantizedFormat& format);
  void fill_panels(std::span<const WeightPart> parts, bool interleaved, const TensorView& panels, int64_t in);
  void fill_quantized(std::span<const WeightPart> parts, bool interleaved,
                      const QuantizedFormat& quantized_as, const TensorView& blob, int64_t in);
};

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

}  // namespace

WeightStore::WeightStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
WeightStore::WeightStore(WeightStore&&) noexcept = default;
WeightStore& WeightStore::operator=(WeightStore&&) noexcept = default;
WeightStore::~WeightStore() = default;

namespace {

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

void WeightStore::Opened::add(std::vector<StoredWeight>&& weights) {
  for (StoredWeight& weight : weights) {
    const std::string name = weight.name;
    const auto [there, is_new] = places.try_emplace(name, std::move(weight));
    if (is_new) continue;
    fail(caravan::where_is(weight), " is also in ", in_quotes(there->second.file->path().string()),
         ", expected each tensor in one file");
  }
}

WeightStore WeightStore::open(const fs::path& model_path, LoadFormat format) {
  auto opened = std::make_shared<Opened>();
  opened->folder = model_path;
  if (format != LoadFormat::kDummy) {
    if (const std::optional<fs::path> gguf = find_gguf(model_path)) {
      opened->gguf = open_gguf(*gguf);
      opened->add(weights_of(*opened->gguf));
    } else {
      opened->files = open_weight_files(model_path);
      for (const WeightFile& file : opened->files) opened->add(weights_of(file));
    }
  }
  auto state = std::make_unique<State>();
  state->opened = std::move(opened);
  state->format = format;
  return WeightStore(std::move(state));
}

WeightStore WeightStore::again() const {
  auto state = std::make_unique<State>();
  state->opened = state_->opened;
  state->format = state_->format;
  return WeightStore(std::move(state));
}

void WeightStore::release_pages() const {
  for (const auto& [name, weight] : state_->opened->places) weight.file->release(weight.bytes);
}

bool WeightStore::has(const std::string& name) const {
  return state_->format == LoadFormat::kDummy || state_->opened->places.contains(name) ||
         state_->quantized.contains(name);
}

void WeightStore::find_quantized(const std::optional<QuantizationConfig>& config) {
  if (!config) {
    state_->quantized = find_quantized_blocks(state_->opened->places);
    return;
  }
  state_->quantized = caravan::find_quantized(*config, state_->opened->places);
  for (const auto& [attention, scales] : find_kv_scales(*config, state_->opened->places)) {
    const auto keep = [&, &module = attention](const char* name, const std::vector<float>& values) {
      Tensor tensor(DType::kF32, {static_cast<int64_t>(values.size())});
      std::copy(values.begin(), values.end(), tensor.as<float>());
      state_->owned.insert_or_assign({module + name, DType::kF32}, std::move(tensor));
    };
    keep(".k_scale", scales.keys);
    keep(".v_scale", scales.values);
    state_->taken.insert(scales.parts.begin(), scales.parts.end());
  }
}

std::vector<const QuantizedWeight*> WeightStore::quantized() const {
  std::vector<const QuantizedWeight*> weights;
  for (const auto& [name, found] : state_->quantized) weights.push_back(&found.weight);
  return weights;
}

void WeightStore::prune_before_rounding(Sparsity sparsity) { state_->sparsity = sparsity; }

std::string WeightStore::where_is(const std::string& name) const { return state_->where_is(name); }

std::string WeightStore::State::where_is(const std::string& name) const {
  return opened->folder.string() + ": the tensor " + in_quotes(name);
}

bool WeightStore::is_mapped_as(const std::string& name, DType dtype) const {
  const auto place = state_->opened->places.find(name);
  return place != state_->opened->places.end() && is_stored_as(place->second, dtype);
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
  CARAVAN_CHECK(weight.quant == quantized_as.weight && weight.scale == quantized_as.scale);
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

std::vector<std::string> WeightStore::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : state_->opened->places) {
    if (!state_->taken.contains(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

DType WeightStore::stored_dtype(DType otherwise) const {
  std::map<DType, int64_t> elements;
  for (const auto& [name, weight] : state_->opened->places) {
    if (weight.encoding.has_value()) elements[weight.encoding->dtype] += weight.shape.elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == elements.end() ? otherwise : most->first;
}

std::vector<std::pair<std::string, uint64_t>> WeightStore::bytes_by_dtype() const {
  std::map<std::string, uint64_t> bytes;
  for (const auto& [name, weight] : state_->opened->places) bytes[weight.type_name] += weight.bytes.size();
  return {bytes.begin(), bytes.end()};
}

std::vector<std::string> WeightStore::block_types() const {
  std::set<std::string> types;
  for (const auto& [name, weight] : state_->opened->places) {
    const bool expanded = weight.encoding.has_value() && weight.encoding->blocks.has_value() &&
                          !state_->quantized.contains(name);
    if (expanded) types.insert(weight.type_name);
  }
  return {types.begin(), types.end()};
}

}  // namespace caravan
