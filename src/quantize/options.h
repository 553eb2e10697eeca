// What a checkpoint is to be quantised to, and by which methods. Thread safety: a value type.
#pragma once

#include <optional>
#include <vector>

#include "checkpoint/prune.h"
#include "checkpoint/quantized/module_pattern.h"
#include "models/quantization.h"

namespace caravan {

/// How the range of activations that one scale covers is chosen (quantize/activation_range.h).
enum class RangeMethod : uint8_t { kMinMax, kHistogram, kPercentile, kLeastSquares };

/// By what a weight's importance is measured (quantize/sparsity.h).
enum class SparsityMethod : uint8_t { kMagnitude, kWanda };

enum class KvCacheChoice : uint8_t { kAsItIs, kDynamic, kStatic };

struct QuantizeOptions {
  LoadQuantization scheme;
  /// Matrices of these modules stay as they are.
  std::vector<ModulePattern> keep;
  RangeMethod range = RangeMethod::kLeastSquares;  ///< of static activations
  /// SmoothQuant's exponent of the activations' magnitudes; nothing: no smoothing.
  std::optional<float> smooth;
  bool gptq = false;
  Sparsity sparsity = Sparsity::kNone;
  SparsityMethod sparsity_method = SparsityMethod::kMagnitude;
  KvCacheChoice kv_cache = KvCacheChoice::kAsItIs;
  /// The most that all matrices together may cost, as quantize/fall_back.h counts it; nothing: anything.
  std::optional<double> max_error;

  /// Whether it needs the activations of a calibration text.
  [[nodiscard]] bool needs_text() const {
    return scheme.rows.mode == ActivationQuant::kStatic || smooth.has_value() || gptq ||
           (sparsity != Sparsity::kNone && sparsity_method == SparsityMethod::kWanda) ||
           kv_cache == KvCacheChoice::kStatic || max_error.has_value();
  }
};

}  // namespace caravan
