#include "checkpoint/weight_store.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/weight_state.h"

namespace caravan {

namespace fs = std::filesystem;

WeightStore::WeightStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
WeightStore::WeightStore(WeightStore&&) noexcept = default;
WeightStore& WeightStore::operator=(WeightStore&&) noexcept = default;
WeightStore::~WeightStore() = default;

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

}  // namespace caravan
