// What `caravan bench` measures: one case is one model in one setting, and what came of it.
// Thread safety: value types.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags/engine_flags.h"

namespace caravan::cli {

struct BenchCase {
  std::string test;              ///< "pp512" or "tg128" (llama-bench's names); empty for a batch of prompts
  std::string mode;              ///< as --execute-mode names it
  DType dtype = DType::kF32;     ///< of the weights
  DType kv_dtype = DType::kF32;  ///< of the KV cache
  std::map<std::string, QuantizedFormat> quantized = {};  ///< as Precision::quantized
  int64_t batch = 1;
  int64_t input = 1;   ///< tokens of each prompt
  int64_t output = 1;  ///< tokens that each sequence generates
  EngineFlags
      flags;  ///< engine.max_sequences and max_sequence_length are what `batch` and the lengths ask for
};

/// What the graph of a case is recorded in.
inline Precision precision_of(const BenchCase& at) {
  return {.weights = at.dtype, .kv_cache = at.kv_dtype, .quantized = at.quantized};
}

/// Whether any of its matmuls is of int8 by int8.
inline bool multiplies_int8(const BenchCase& at) {
  return std::any_of(at.quantized.begin(), at.quantized.end(),
                     [](const auto& each) { return each.second.order == DType::kI8; });
}

/// What its weights are stored in, for people: "bf16", or the scheme of most of those that are quantised.
inline std::string weights_of(const BenchCase& at) {
  return at.quantized.empty() ? std::string(name_of(at.dtype)) : scheme_name(at.quantized);
}

/// The same, and the KV cache's dtype where it has another: "bf16/int8".
inline std::string dtypes_of(const BenchCase& at) {
  std::string text = weights_of(at);
  if (at.kv_dtype != at.dtype) text.append("/").append(name_of(at.kv_dtype));
  return text;
}

/// What the runs of a case took.
struct BenchRuns {
  std::vector<double> prefill_seconds;  ///< [repeat]: of the steps that compute any part of a prompt
  std::vector<double> total_seconds;    ///< [repeat]: of all steps
  std::vector<double> decode_seconds;   ///< [repeat * steps]: of each step that decodes every sequence
  /// [batch]: the token of each sequence that the first such step computes.
  std::vector<int64_t> first_decoded;
  uint64_t weight_bytes = 0;
  uint64_t kv_bytes = 0;
  std::optional<uint64_t> peak_bytes;  ///< of the process; nothing where the system cannot count anew
};

/// What the machine does at best, as far as it was measured.
struct BenchLimits {
  double bytes_per_second = 0.0;
  std::optional<double> flops_per_second;
  std::optional<double> int8_per_second = std::nullopt;  ///< nothing where no matmul is of int8, too
};

struct DecodeFigures {
  double mean_ms = 0.0;
  double median_ms = 0.0;
  double p90_ms = 0.0;
  double p99_ms = 0.0;
  double limit_ms = 0.0;  ///< the least time of a step, the mean over the steps

  [[nodiscard]] double tokens_per_second(int64_t batch) const {
    return static_cast<double>(batch) * 1e3 / mean_ms;
  }
};

/// One line of the table.
struct BenchFigures {
  BenchCase at;
  double prefill_ms = 0.0;  ///< the median of the runs
  double prefill_tokens_per_second = 0.0;
  std::optional<double> prefill_limit_ms;  ///< nothing where the peak was not measured
  std::optional<DecodeFigures> decode;     ///< nothing where no step decodes every sequence
  double rate_mean = 0.0;                  ///< tokens/s of the whole run; for a test
  double rate_deviation = 0.0;
  std::optional<double> limit_rate;  ///< tokens/s, for a test
  uint64_t weight_bytes = 0;
  uint64_t kv_bytes = 0;
  std::optional<uint64_t> peak_bytes;
  BenchLimits limits;

  /// What the process held at its peak beside weights and KV cache: activations, code, mapped files.
  [[nodiscard]] std::optional<uint64_t> other_bytes() const {
    if (!peak_bytes.has_value()) return std::nullopt;
    const uint64_t known = weight_bytes + kv_bytes;
    return *peak_bytes > known ? *peak_bytes - known : 0;
  }
};

}  // namespace caravan::cli
