#include "checkpoint/output/written_schemes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace caravan {

namespace {

const char* name_of(QuantStorage storage) {
  switch (storage) {
    case QuantStorage::kDense:
      return "dense";
    case QuantStorage::kBytes:
      return "int-quantized";
    case QuantStorage::kPacked:
      return "pack-quantized";
  }
  return "";
}

const char* name_of(ScaleSharing sharing) {
  switch (sharing) {
    case ScaleSharing::kTensor:
      return "tensor";
    case ScaleSharing::kChannel:
      return "channel";
    case ScaleSharing::kGroup:
      return "group";
  }
  return "";
}

Json arguments(int bits, bool symmetric, const char* strategy, bool dynamic) {
  return {{"num_bits", bits},     {"type", "int"},      {"symmetric", symmetric}, {"group_size", nullptr},
          {"strategy", strategy}, {"dynamic", dynamic}, {"observer", nullptr}};
}

Json weights(const QuantScheme& scheme) {
  Json json = arguments(scheme.bits, scheme.symmetric, name_of(scheme.sharing), false);
  if (scheme.sharing == ScaleSharing::kGroup) json["group_size"] = scheme.group;
  return json;
}

Json activations(const QuantScheme& scheme) {
  switch (scheme.activations) {
    case ActivationQuant::kNone:
      return nullptr;
    case ActivationQuant::kPerToken:
      return arguments(8, false, "token", true);
    case ActivationQuant::kSymmetric:
      return arguments(8, true, "token", true);
    case ActivationQuant::kStatic:
      return arguments(8, scheme.symmetric_activations, "tensor", false);
  }
  return nullptr;
}

/// How a config that has one scheme names what it is for. In vLLM the matrix of the logits is no "Linear" but
/// of a class of its own, so that it is named, too.
std::vector<std::string> targets_of(const std::vector<std::string>& modules) {
  const std::string head = "lm_head";
  std::vector<std::string> targets = {"Linear"};
  if (std::find(modules.begin(), modules.end(), head) != modules.end()) targets.push_back(head);
  return targets;
}

}  // namespace

void WrittenSchemes::add(const std::string& module, const QuantScheme& scheme) {
  const auto known = std::find_if(written_.begin(), written_.end(),
                                  [&scheme](const Written& each) { return each.scheme == scheme; });
  if (known == written_.end()) {
    written_.push_back({scheme, {module}});
  } else {
    known->modules.push_back(module);
  }
}

void WrittenSchemes::add_sparse(const std::string& module, int64_t kept, int64_t all) {
  sparse_.insert(module);
  kept_ += kept;
  all_ += all;
}

Json WrittenSchemes::sparsity() const {
  if (sparse_.empty()) return nullptr;
  std::vector<std::string> dense = plain_;
  for (const Written& each : written_) {
    std::copy_if(each.modules.begin(), each.modules.end(), std::back_inserter(dense),
                 [this](const std::string& module) { return !sparse_.contains(module); });
  }
  return {{"format", "sparse-bitmask"},
          {"targets", Json::array({"Linear"})},
          {"ignore", dense},
          {"global_sparsity", 1.0 - static_cast<double>(kept_) / static_cast<double>(all_)},
          {"sparsity_structure", "unstructured"}};
}

void WrittenSchemes::add_plain(const std::string& module) { plain_.push_back(module); }

Json WrittenSchemes::json() const {
  Json groups = Json::object();
  for (size_t i = 0; i < written_.size(); ++i) {
    const Written& each = written_[i];
    groups["group_" + std::to_string(i)] = {
        {"targets", written_.size() == 1 ? targets_of(each.modules) : each.modules},
        {"weights", weights(each.scheme)},
        {"input_activations", activations(each.scheme)},
        {"output_activations", nullptr},
        {"format", name_of(each.scheme.storage)}};
  }
  const bool alike = std::all_of(written_.begin(), written_.end(), [this](const Written& each) {
    return each.scheme.storage == written_.front().scheme.storage;
  });
  Json config = {{"quant_method", "compressed-tensors"},
                 {"format", written_.empty() ? "dense"
                            : alike          ? name_of(written_.front().scheme.storage)
                                             : "mixed-precision"},
                 {"quantization_status", "compressed"},
                 {"config_groups", groups},
                 {"ignore", plain_},
                 {"kv_cache_scheme", nullptr},
                 {"global_compression_ratio", nullptr}};
  if (Json sparse = sparsity(); !sparse.is_null()) config["sparsity_config"] = std::move(sparse);
  if (kv_cache_) {
    config["kv_cache_scheme"] = arguments(8, true,
                                          kv_cache_->dynamic    ? "token"
                                          : kv_cache_->per_head ? "attn_head"
                                                                : "tensor",
                                          kv_cache_->dynamic);
  }
  return config;
}

}  // namespace caravan
