#include "engine/kv_budget.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "kv/cache.h"

namespace caravan {

namespace {

double gigabytes(uint64_t bytes) { return static_cast<double>(bytes) / 1e9; }

/// The rest is for a step's intermediates, the server's streams, and whoever else is on the machine.
constexpr double kShareOfFree = 0.8;

}  // namespace

KvBudget kv_budget(const ModelConfig& config, const EngineOptions& options, uint64_t weight_bytes,
                   DType kv_dtype, uint64_t available_bytes) {
  const int64_t pages = (options.max_sequence_length + kPagedBlockSize - 1) / kPagedBlockSize;
  const KvCacheShape block = {config.num_layers, 1, config.num_kv_heads, kPagedBlockSize, config.head_dim};
  const uint64_t block_bytes = block.bytes(kv_dtype);
  const auto limit = options.max_memory_gb.has_value() ? static_cast<uint64_t>(*options.max_memory_gb * 1e9)
                                                       : available_bytes;
  const uint64_t rest = limit > weight_bytes ? limit - weight_bytes : 0;
  const double share = options.max_memory_gb.has_value() ? 1.0 : kShareOfFree;
  const auto fitting =
      static_cast<int64_t>(static_cast<double>(rest) * share / static_cast<double>(block_bytes));
  const int64_t wanted = options.max_sequences * pages;
  KvBudget budget;
  budget.blocks = std::min(wanted, fitting);
  if (budget.blocks < pages) {
    fail("the KV cache of one sequence of ", options.max_sequence_length, " tokens takes ",
         gigabytes(block_bytes * static_cast<uint64_t>(pages)), " GB, but beside ", gigabytes(weight_bytes),
         " GB of weights there are only ",
         gigabytes(static_cast<uint64_t>(static_cast<double>(rest) * share)),
         " GB for it, expected a smaller --max-sequence-length or more memory");
  }
  std::ostringstream text;
  text << "KV cache: " << budget.blocks << " blocks of " << kPagedBlockSize
       << " tokens = " << budget.blocks * kPagedBlockSize
       << " tokens = " << gigabytes(block_bytes * static_cast<uint64_t>(budget.blocks)) << " GB in "
       << name_of(kv_dtype) << ", beside " << gigabytes(weight_bytes) << " GB of weights; room for "
       << budget.blocks / pages << " sequences of " << options.max_sequence_length << " tokens at once";
  if (budget.blocks < wanted)
    text << " (--batch-size " << options.max_sequences << " would fill " << wanted << " blocks)";
  budget.arithmetic = text.str();
  return budget;
}

}  // namespace caravan
