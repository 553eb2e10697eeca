#include "checkpoint/weight_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/machine.h"
#include "checkpoint/fill.h"
#include "checkpoint/weight_files.h"
#include "tensor/buffer.h"

namespace caravan {

namespace fs = std::filesystem;

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

  Tensor allocate(const std::string& where, const Shape& shape, DType dtype) const;
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

ConstTensorView WeightStore::take(const std::string& name, const Shape& shape, DType dtype) {
  CARAVAN_CHECK(is_floating(dtype));
  if (const auto known = state_->owned.find({name, dtype}); known != state_->owned.end()) {
    if (known->second.shape() == shape) return known->second.view();
    fail(state_->folder.string(), ": the tensor ", in_quotes(name), " has shape ", known->second.shape(),
         ", expected ", shape);
  }
  if (state_->format == LoadFormat::kDummy) {
    const std::string where = state_->folder.string() + ": the tensor " + in_quotes(name);
    Tensor tensor = state_->allocate(where, shape, dtype);
    draw_dummy_weight(name, tensor.view());
    return state_->owned.emplace(std::pair(name, dtype), std::move(tensor)).first->second.view();
  }

  const auto place = state_->places.find(name);
  if (place == state_->places.end())
    fail(state_->folder.string(), ": the weight files hold no tensor ", in_quotes(name));
  const auto& [file, tensor] = place->second;
  const std::string where = where_is(*file, name);
  if (tensor->shape != shape)
    fail(where, " has shape ", tensor->shape, ", expected ", shape, " by config.json");
  const DType stored = floating_dtype_of(*file, *tensor);
  state_->taken.insert(name);
  const std::span<const std::byte> bytes = bytes_of(*file, *tensor);
  const bool is_aligned = reinterpret_cast<uintptr_t>(bytes.data()) % size_of(stored) == 0;
  if (stored == dtype && is_aligned) {
    file->file.bring_in(bytes);
    return {bytes.data(), dtype, shape};
  }

  Tensor converted = state_->allocate(where, shape, dtype);
  convert_weight(file->file, bytes, stored, converted.view(), where);
  return state_->owned.emplace(std::pair(name, dtype), std::move(converted)).first->second.view();
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
