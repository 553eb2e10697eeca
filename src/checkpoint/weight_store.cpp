#include "checkpoint/weight_store.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/machine.h"
#include "checkpoint/fill.h"
#include "checkpoint/pack.h"
#include "checkpoint/weight_files.h"
#include "tensor/buffer.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// A stored tensor of the shape that was asked for.
struct Source {
  const MappedFile* file = nullptr;
  std::span<const std::byte> bytes;
  DType dtype = DType::kF32;
  std::string where;
};

}  // namespace

struct WeightStore::State {
  fs::path folder;
  LoadFormat format = LoadFormat::kAuto;
  std::vector<WeightFile> files;

  struct Place {
    const WeightFile* file;
    const StoredTensor* tensor;
  };
  std::unordered_map<std::string, Place> places;
  std::set<std::string> taken;
  /// What take() converted or drew, so that asking twice (tied embeddings) costs once.
  std::map<std::pair<std::string, DType>, Tensor> owned;
  /// What take_panels() and take_vectors() put together.
  std::vector<Tensor> assembled;

  [[nodiscard]] Tensor allocate(const std::string& where, const Shape& shape, DType dtype) const;
  [[nodiscard]] std::string where_is(const std::string& name) const;
  Source find(const std::string& name, const Shape& shape);
  Tensor draw(const std::string& name, const Shape& shape, DType dtype) const;
};

namespace {

/// The bytes of `tensor` in its file, which parse_safetensors_header() has checked to be inside it.
std::span<const std::byte> bytes_of(const WeightFile& file, const StoredTensor& tensor) {
  return file.file.bytes().subspan(file.header.data_start + tensor.begin, tensor.end - tensor.begin);
}

std::string where_is(const WeightFile& file, const std::string& name) {
  return file.file.path().string() + ": the tensor " + in_quotes(name);
}

DType floating_dtype_of(const WeightFile& file, const StoredTensor& tensor) {
  const std::optional<DType> dtype = dtype_from_safetensors(tensor.dtype_name);
  if (dtype && is_floating(*dtype)) return *dtype;
  fail(where_is(file, tensor.name), " is stored as ", in_quotes(tensor.dtype_name),
       ", expected F32, F16 or BF16");
}

}  // namespace

WeightStore::WeightStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
WeightStore::WeightStore(WeightStore&&) noexcept = default;
WeightStore& WeightStore::operator=(WeightStore&&) noexcept = default;
WeightStore::~WeightStore() = default;

/// Memory for one weight. The system would hand out more than the machine has and later kill the process, so
/// what is free is asked first.
Tensor WeightStore::State::allocate(const std::string& where, const Shape& shape, DType dtype) const {
  const uint64_t bytes = static_cast<uint64_t>(shape.elements()) * size_of(dtype);
  const uint64_t available = machine_memory().available_bytes;
  if (bytes > available) {
    fail(where, " needs ", bytes, " bytes in ", name_of(dtype), ", but the machine has only ", available,
         " bytes of memory left: expected a smaller model, a smaller --dtype or a larger machine");
  }
  return {dtype, shape};
}

WeightStore WeightStore::open(const fs::path& folder, LoadFormat format) {
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->format = format;
  if (format == LoadFormat::kAuto) state->files = open_weight_files(folder);
  for (const WeightFile& file : state->files) {
    for (const StoredTensor& tensor : file.header.tensors) {
      const auto [there, is_new] = state->places.try_emplace(tensor.name, State::Place{&file, &tensor});
      if (!is_new) {
        fail(where_is(file, tensor.name), " is also in ", in_quotes(there->second.file->file.path().string()),
             ", expected each tensor in one file");
      }
    }
  }
  return WeightStore(std::move(state));
}

bool WeightStore::has(const std::string& name) const {
  return state_->format == LoadFormat::kDummy || state_->places.contains(name);
}

std::string WeightStore::State::where_is(const std::string& name) const {
  return folder.string() + ": the tensor " + in_quotes(name);
}

bool WeightStore::is_mapped_as(const std::string& name, DType dtype) const {
  const auto place = state_->places.find(name);
  if (place == state_->places.end()) return false;
  const auto& [file, tensor] = place->second;
  const auto address = reinterpret_cast<uintptr_t>(bytes_of(*file, *tensor).data());
  return dtype_from_safetensors(tensor->dtype_name) == dtype && address % size_of(dtype) == 0;
}

/// Looks a tensor up and marks it as taken.
Source WeightStore::State::find(const std::string& name, const Shape& shape) {
  const auto place = places.find(name);
  if (place == places.end()) fail(folder.string(), ": the weight files hold no tensor ", in_quotes(name));
  const auto& [file, tensor] = place->second;
  const std::string where = caravan::where_is(*file, name);
  if (tensor->shape != shape)
    fail(where, " has shape ", tensor->shape, ", expected ", shape, " by config.json");
  const DType stored = floating_dtype_of(*file, *tensor);
  taken.insert(name);
  return {&file->file, bytes_of(*file, *tensor), stored, where};
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
  const Source source = state_->find(name, shape);
  const bool is_aligned = reinterpret_cast<uintptr_t>(source.bytes.data()) % size_of(source.dtype) == 0;
  if (source.dtype == dtype && is_aligned) {
    if (residency == Residency::kWhole) source.file->bring_in(source.bytes);
    return {source.bytes.data(), dtype, shape};
  }
  Tensor converted = state_->allocate(source.where, shape, dtype);
  convert_weight(*source.file, source.bytes, source.dtype, converted.view(), source.where);
  return keep(std::move(converted));
}

ConstTensorView WeightStore::take_panels(const std::vector<WeightPart>& parts, int64_t in, DType dtype,
                                         bool interleaved) {
  std::vector<int64_t> rows;
  std::vector<Source> sources;
  std::vector<Tensor> drawn;
  for (const WeightPart& part : parts) {
    const Shape shape = {part.rows, in};
    rows.push_back(part.rows);
    if (state_->format == LoadFormat::kDummy) {
      drawn.push_back(state_->draw(part.name, shape, dtype));
    } else {
      sources.push_back(state_->find(part.name, shape));
    }
  }
  const auto panels = static_cast<int64_t>(rows_of_panels(rows, interleaved).size());
  Tensor packed = state_->allocate(state_->where_is(parts.front().name),
                                   panel_shape(panels * kPanelOutputs, in, dtype), dtype);
  const auto read = [&](int64_t source, int64_t first, int64_t count, const TensorView& to) {
    const auto index = static_cast<size_t>(source);
    if (!drawn.empty()) {
      const size_t row = static_cast<size_t>(in) * size_of(dtype);
      std::memcpy(to.data, drawn[index].as_bytes() + static_cast<size_t>(first) * row,
                  static_cast<size_t>(count) * row);
      return;
    }
    const Source& from = sources[index];
    const size_t row = static_cast<size_t>(in) * size_of(from.dtype);
    convert_part(*from.file,
                 from.bytes.subspan(static_cast<size_t>(first) * row, static_cast<size_t>(count) * row),
                 from.dtype, to, from.where);
  };
  pack_panels(rows, interleaved, in, read, packed.view());
  state_->assembled.push_back(std::move(packed));
  return state_->assembled.back().view();
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
  for (const auto& [name, place] : state_->places) {
    if (!state_->taken.contains(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

DType WeightStore::stored_dtype(DType otherwise) const {
  std::map<DType, int64_t> elements;
  for (const auto& [name, place] : state_->places) {
    const std::optional<DType> dtype = dtype_from_safetensors(place.tensor->dtype_name);
    if (dtype && is_floating(*dtype)) elements[*dtype] += place.tensor->shape.elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == elements.end() ? otherwise : most->first;
}

std::vector<std::pair<std::string, uint64_t>> WeightStore::bytes_by_dtype() const {
  std::map<std::string, uint64_t> bytes;
  for (const auto& [name, place] : state_->places)
    bytes[place.tensor->dtype_name] += place.tensor->end - place.tensor->begin;
  return {bytes.begin(), bytes.end()};
}

}  // namespace caravan
