// What is asked for when a model is loaded. Thread safety: a value type.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "checkpoint/weight_store.h"
#include "graph/builder.h"
#include "models/quantization.h"

namespace caravan {

struct LoadOptions {
  std::optional<DType> dtype;  ///< nothing: as the checkpoint stores its weights
  /// int8, or nothing: as the checkpoint says, or as the weights.
  std::optional<DType> kv_cache_dtype = std::nullopt;
  LoadFormat format = LoadFormat::kAuto;
  std::optional<LoadQuantization> quantize = std::nullopt;  ///< nothing: the weights as they are
  /// Whether the graph is rewritten by the passes (graph/passes/passes.h), which decide how weights lie in
  /// memory.
  bool compile = false;
  /// Is told, before any weight is read, how many bytes of memory they will take (a file that is mapped takes
  /// none) and in which dtypes they and the KV cache will be; may throw.
  std::function<void(uint64_t weight_bytes, const Precision& precision)> before_weights = {};
  std::stop_token stop = {};  ///< is asked before each weight
  /// The weights of the same path, where somebody has opened them already: their files are not opened again.
  std::shared_ptr<const WeightStore> opened = {};
};

}  // namespace caravan
