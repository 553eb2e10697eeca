#include "checkpoint/quantized_tensors.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/quantized_formats.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// The name without `end`; empty if it has another end.
std::string without_end(const std::string& name, std::string_view end) {
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : "";
}

void add(FoundWeights& found, FoundWeight&& weight) {
  const std::string name = weight.weight.name;
  found.emplace(name, std::move(weight));
}

/// The tensor of MODULE's numbers, or nullptr if there is none that config speaks of.
const StoredWeight* values_of(const QuantScheme& scheme, const std::string& module,
                              const StoredTensors& tensors) {
  const auto plain = tensors.find(module + ".weight");
  const auto packed = tensors.find(module + ".weight_packed");
  const auto kept = tensors.find(module + ".compressed");
  if (scheme.storage == QuantStorage::kBytes && kept != tensors.end()) return &kept->second;
  if (scheme.storage == QuantStorage::kPacked && packed != tensors.end()) return &packed->second;
  // A norm's vector is no matrix.
  if (plain == tensors.end() || plain->second.shape.rank() != 2) return nullptr;
  if (scheme.storage == QuantStorage::kBytes && plain->second.type_name == "I8") return &plain->second;
  fail(where_is(plain->second), " is stored as ", in_quotes(plain->second.type_name), ", expected ",
       scheme.storage == QuantStorage::kBytes ? "I8" : "int32s in " + in_quotes(module + ".weight_packed"),
       " by \"quantization_config\" of config.json, or the module in its list \"ignore\"");
}

/// How many numbers that are not 0 the output has that has most of them, but at least 1.
int64_t fullest_output(const StoredWeight& bytes) {
  const auto outputs = static_cast<size_t>(bytes.shape[0]);
  const auto width = static_cast<size_t>(bytes.shape[1]);
  std::vector<int64_t> kept(outputs);
  for_each_in_parallel(outputs, [&](size_t output) {
    const auto row = bytes.bytes.subspan(output * width, width);
    kept[output] = static_cast<int64_t>(width) - std::count(row.begin(), row.end(), std::byte{0});
  });
  bytes.file->release(bytes.bytes);
  return std::max<int64_t>(1, *std::max_element(kept.begin(), kept.end()));
}

FoundWeights find(const CompressedTensorsConfig& config, const StoredTensors& tensors) {
  FoundWeights found;
  for (const auto& [name, stored] : tensors) {
    std::string module = without_end(name, ".weight");
    if (module.empty()) module = without_end(name, ".weight_packed");
    if (module.empty() && config.bitmask) module = without_end(name, ".compressed");
    if (module.empty() || found.contains(module + ".weight")) continue;
    const QuantScheme* scheme = config.scheme_of(module);
    if (scheme == nullptr || scheme->storage == QuantStorage::kDense) continue;
    const StoredWeight* values = values_of(*scheme, module, tensors);
    if (values == nullptr) continue;
    FoundWeight weight = compressed_tensors_weight(*scheme, module, *values, tensors);
    if (config.pruned && scheme->storage == QuantStorage::kBytes)
      weight.weight.row_kept = fullest_output(*values);
    add(found, std::move(weight));
  }
  return found;
}

FoundWeights find(const GptqConfig& config, const StoredTensors& tensors) {
  FoundWeights found;
  for (const auto& [name, stored] : tensors) {
    const std::string module = without_end(name, ".qweight");
    if (!module.empty()) add(found, gptq_weight(config, module, stored, tensors));
  }
  return found;
}

FoundWeights find(const AwqConfig& config, const StoredTensors& tensors) {
  FoundWeights found;
  for (const auto& [name, stored] : tensors) {
    const std::string module = without_end(name, ".qweight");
    if (!module.empty()) add(found, awq_weight(config, module, stored, tensors));
  }
  return found;
}

std::vector<float> read_kv_scales(const StoredWeight& scales, bool per_head) {
  // One for each head is [heads, 1, 1].
  const bool is_list = per_head && scales.shape.rank() >= 1 && scales.shape[0] == scales.shape.elements();
  require_part(scales, scale_types(),
               is_list ? std::vector<Shape>{scales.shape} : std::vector<Shape>{{1}, Shape()});
  std::vector<float> values;
  for (int64_t i = 0; i < scales.shape.elements(); ++i) {
    values.push_back(scale_at(scales, i));
    if (values.back() == 0.0F) fail(where_is(scales), " holds a scale of 0, expected positive ones");
  }
  return values;
}

}  // namespace

FoundWeights find_quantized(const QuantizationConfig& config, const StoredTensors& tensors) {
  return std::visit([&tensors](const auto& method) { return find(method, tensors); }, config);
}

FoundWeights find_quantized_blocks(const StoredTensors& tensors) {
  FoundWeights found;
  for (const auto& [name, stored] : tensors) {
    if (is_block_matrix(stored)) add(found, block_weight(stored));
  }
  return found;
}

std::map<std::string, StoredKvScales> find_kv_scales(const QuantizationConfig& config,
                                                     const StoredTensors& tensors) {
  std::map<std::string, StoredKvScales> found;
  const auto* compressed = std::get_if<CompressedTensorsConfig>(&config);
  if (compressed == nullptr || !compressed->kv_cache || compressed->kv_cache->dynamic) return found;
  const bool per_head = compressed->kv_cache->per_head;
  for (const auto& [name, stored] : tensors) {
    // The package's older name for them is that of the projection's output.
    for (const std::string_view end : {".k_scale", ".k_proj.output_scale"}) {
      const std::string attention = without_end(name, end);
      if (attention.empty()) continue;
      const std::string other = end == ".k_scale" ? "v_scale" : "v_proj.output_scale";
      const StoredWeight& values = part_of(tensors, attention, other, stored);
      found[attention] = {
          read_kv_scales(stored, per_head), read_kv_scales(values, per_head), {stored.name, values.name}};
    }
  }
  return found;
}

}  // namespace caravan
