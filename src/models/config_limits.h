// The largest sizes that a config may have, several times those of any published model, and the checks that
// every kind of config shares. Internal to config.cpp and its neighbours. With these limits
// layers · 7 · width² (the parameters) and 8 · layers · width · positions (a full KV cache in bytes) fit in
// 63 bits. Thread safety: pure functions.
#pragma once

#include "base/json.h"
#include "models/config.h"

namespace caravan {

/// Of hidden, intermediate, heads x head_dim, and experts x intermediate.
constexpr int64_t kMaxWidth = int64_t{1} << 22U;
constexpr int64_t kMaxLayers = int64_t{1} << 12U;
constexpr int64_t kMaxVocab = int64_t{1} << 28U;

/// Above 1, where the frequencies fall and have a logarithm, to beyond any published model's (500 to 1e9).
constexpr double kMinTheta = 2.0;
constexpr double kMaxTheta = 1e15;
/// Beyond any published model's (1 to 64).
constexpr double kMaxRopeFactor = 1e6;

/// The smallest is far below any published epsilon and still a normal fp32 number.
constexpr double kMinEpsilon = 1e-30;
constexpr double kMaxEpsilon = 1.0;

/// How a format spells the fields that the checks below name.
struct HeadFields {
  const char* hidden_size;
  const char* num_heads;
  const char* num_kv_heads;
  const char* head_dim;
};

/// The field num_kv_heads, from 1 to config.num_heads and a divisor of it; `otherwise` where it is absent.
int64_t read_kv_heads(const JsonObject& root, const HeadFields& fields, const ModelConfig& config,
                      int64_t otherwise);

/// The field head_dim, or hidden_size / num_heads where it is absent: even, and not too large in all.
int64_t read_head_dim(const JsonObject& root, const HeadFields& fields, const ModelConfig& config);

/// The token id `value` of the field `name`, below config.vocab_size.
int32_t read_token_id(const JsonObject& root, const std::string& name, const Json& value,
                      const ModelConfig& config);

/// The attention factor of yarn for a factor and an mscale: section 3.4 of the YaRN paper (arXiv:2309.00071)
/// for mscale 1.
double yarn_mscale(double factor, double mscale);

}  // namespace caravan
