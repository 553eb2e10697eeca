// The quantization_config of a Hugging Face config.json as a typed value: how the checkpoint's matrices are
// stored, and what their inputs and the KV cache are to be quantised to.
//
// References: compressed_tensors.quantization of the compressed-tensors package (0.20), auto_gptq and
// GPTQModel for "gptq", AutoAWQ for "awq". A value that parsed asks for nothing that Caravan does not do.
// Thread safety: pure functions; a value may be read from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "checkpoint/quantized/module_pattern.h"
#include "tensor/quantization.h"

namespace caravan {

/// How compressed-tensors stores the numbers of a matrix.
enum class QuantStorage : uint8_t {
  kDense,   ///< "dense": not quantised
  kBytes,   ///< "int-quantized", "naive-quantized": each an int8
  kPacked,  ///< "pack-quantized": 4 of 8 bits or 8 of 4 in an int32, each with half their range added
};

/// Which numbers of a matrix share a scale.
enum class ScaleSharing : uint8_t { kTensor, kChannel, kGroup };

/// How the matrices of some modules are quantised.
struct QuantScheme {
  QuantStorage storage = QuantStorage::kDense;
  int bits = 8;  ///< 8 or 4
  bool symmetric = true;
  ScaleSharing sharing = ScaleSharing::kChannel;
  int64_t group = 0;  ///< kGroup: inputs that share a scale
  ActivationQuant activations = ActivationQuant::kNone;
  bool symmetric_activations = true;  ///< kStatic: without a zero point beside the scale
  bool operator==(const QuantScheme&) const = default;
};

struct QuantGroup {
  std::vector<ModulePattern> targets;
  QuantScheme scheme;
};

/// int8 keys and values, symmetric.
struct KvCacheQuant {
  bool dynamic = false;   ///< scales from the values of each token, else stored
  bool per_head = false;  ///< stored scales: one for each KV head, else one for all
};

struct CompressedTensorsConfig {
  std::vector<QuantGroup> groups;
  std::vector<ModulePattern> ignore;
  /// Matrices that are stored as bytes may be so without those that are 0: "sparse-bitmask".
  bool bitmask = false;
  /// All are stored with their zeros, which are so many that matrices of bytes may be smaller without.
  bool pruned = false;
  std::optional<KvCacheQuant> kv_cache;

  /// How the matrix of `module` is quantised; nullptr if it is not. An entry that names the module decides
  /// before a regular expression, and that before "Linear".
  [[nodiscard]] const QuantScheme* scheme_of(std::string_view module) const;
};

struct GptqConfig {
  int bits = 4;              ///< 8 or 4
  int64_t group = 0;         ///< inputs that share a scale; 0: all
  bool symmetric = true;     ///< every zero point is the middle of the range
  bool zeros_less_1 = true;  ///< zero points are stored less 1: checkpoint_format "gptq", not "gptq_v2"
  bool desc_act = false;     ///< g_idx says which group each input belongs to
};

/// 4 bits, "gemm".
struct AwqConfig {
  int64_t group = 0;  ///< inputs that share a scale; 0: all
  bool zero_point = true;
};

using QuantizationConfig = std::variant<CompressedTensorsConfig, GptqConfig, AwqConfig>;

/// The value of `config`, a whole config.json; nothing if it has neither "quantization_config" nor
/// "compression_config", its older name. Throws Error, naming `source` and the field.
std::optional<QuantizationConfig> parse_quantization_config(const Json& config, const std::string& source);

}  // namespace caravan
