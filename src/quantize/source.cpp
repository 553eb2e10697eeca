#include "quantize/source.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// As models/config.cpp has it.
constexpr uint64_t kMaxConfigBytes = 10'000'000;

}  // namespace

SourceCheckpoint::SourceCheckpoint(const fs::path& folder) : folder_(folder) {
  if (const std::optional<fs::path> gguf = find_gguf(folder)) {
    fail(gguf->string(),
         ": is a GGUF file, expected a Hugging Face folder with safetensors to quantise (GGUF files of 8 and "
         "4 bits run as they are)");
  }
  config_ = load_config(folder);
  const fs::path config = folder / "config.json";
  if (config_.quantization) {
    fail(
        config.string(),
        ": has a quantization_config, so that the checkpoint is quantised already, expected one that is not");
  }
  json_ = parse_json(read_file(config, kMaxConfigBytes), config.string());
  files_ = open_weight_files(folder);
  std::map<DType, int64_t> elements;
  for (const WeightFile& file : files_) {
    for (StoredWeight& weight : weights_of(file)) {
      if (weight.encoding) elements[weight.encoding->dtype] += weight.shape.elements();
      const std::string name = weight.name;
      if (tensors_.try_emplace(name, std::move(weight)).second) continue;
      fail(file.file.path().string(), ": the tensor ", in_quotes(name),
           " is also in another file, expected each tensor in one");
    }
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  dtype_ = most == elements.end() ? config_.dtype : most->first;
}

uint64_t SourceCheckpoint::bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, weight] : tensors_) bytes += weight.bytes.size();
  return bytes;
}

const StoredWeight& SourceCheckpoint::find(const WeightSpec& spec) const {
  const std::vector<std::string>& names = spec.sources.front().names;
  for (const std::string& name : names) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) continue;
    const StoredWeight& weight = found->second;
    if (weight.shape != shape_of(spec)) {
      fail(where_is(weight), " has shape ", weight.shape, ", expected ", shape_of(spec), " by config.json");
    }
    if (!weight.encoding) {
      fail(where_is(weight), " is stored as ", in_quotes(weight.type_name), ", expected F32, F16 or BF16");
    }
    return weight;
  }
  fail(folder_.string(), ": the weight files hold no tensor ", in_quotes(names.front()));
}

Tensor SourceCheckpoint::read(const StoredWeight& weight) const {
  Tensor tensor(DType::kF32, weight.shape);
  read_weight(weight, tensor.view());
  require_finite(tensor.as<float>(), weight.shape.elements(), where_is(weight));
  return tensor;
}

}  // namespace caravan
