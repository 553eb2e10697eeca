// What an engine is told once, when it is made.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "execute/executor.h"
#include "kernels/select.h"

namespace caravan {

enum class KvCacheKind : uint8_t { kContiguous, kPaged };

/// Where the tiles of the max-autotune mode come from.
enum class Autotune : uint8_t {
  kOff,     ///< the kernels' own choice
  kCached,  ///< as measured before, if they were; else the kernels' own
  kOn,      ///< measured now where they were not before
};

struct EngineOptions {
  int threads = 1;        ///< at least 1
  bool bind_cpu = false;  ///< pin each thread to a CPU of its own
  IsaLevel isa = IsaLevel::kPortable;
  /// The compiled modes run a graph that load_model() has rewritten as fast as it can be; they run one that
  /// it has not, too.
  ExecuteMode execute_mode = ExecuteMode::kMaxAutotune;
  Autotune autotune = Autotune::kOff;
  std::filesystem::path tile_cache;  ///< the file that keeps what was measured; empty for none
  /// Is told how many of all matmuls have been measured, while the engine is made.
  std::function<void(size_t done, size_t all)> on_tuning;
  KvCacheKind kv_cache = KvCacheKind::kContiguous;
  int64_t max_sequences = 1;        ///< how many run together; others wait
  int64_t max_sequence_length = 0;  ///< the longest prompt and output together, in tokens
  /// The most tokens of one step. It bounds the memory of a long prompt's activations; above a few hundred it
  /// does not matter for speed.
  int64_t max_batch_tokens = 2048;
  /// Blocks of the KV cache, where it is not to hold max_sequences of the longest sequences at once; what
  /// lacks room then is preempted and computed again later.
  std::optional<int64_t> kv_blocks;
  bool prefix_cache = false;  ///< beginnings that were computed before are found again; for paged caches
  /// How many times as long as a decode step one may take that computes prompts beside it, at least 1; 0: as
  /// long as it takes.
  double prefill_stretch = 0.0;
  std::optional<double> max_memory_gb;  ///< weights and KV cache together, in 10^9 bytes
};

}  // namespace caravan
