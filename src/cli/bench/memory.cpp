#include "cli/bench/memory.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "base/error.h"
#include "engine/memory.h"
#include "graph/cost.h"
#include "models/record.h"

namespace caravan::cli {

namespace {

// In doubles, because a whole batch's bytes may be more than an integer holds.
struct Need {
  double weights = 0.0;
  double sequence = 0.0;  ///< the KV cache of one
};

Need need_of(const BenchCase& at, const ModelConfig& config) {
  EngineOptions one = at.flags.engine;
  one.max_sequences = 1;
  const Graph graph = record_model(config, precision_of(at));
  return {static_cast<double>(weight_bytes(graph)),
          static_cast<double>(kv_cache_shape(config, one).bytes(at.kv_dtype))};
}

std::string gigabytes(double bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(bytes < 1e8 ? 4 : 2) << bytes / 1e9 << " GB";
  return out.str();
}

}  // namespace

int64_t largest_batch_in(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config) {
  auto room = static_cast<double>(available_bytes);
  if (at.flags.engine.max_memory_gb.has_value()) room = std::min(room, 1e9 * *at.flags.engine.max_memory_gb);
  const Need need = need_of(at, config);
  return static_cast<int64_t>(std::max(0.0, (room - need.weights) / need.sequence));
}

void require_memory(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config,
                    const std::string& flag) {
  const int64_t largest = largest_batch_in(available_bytes, at, config);
  if (at.batch <= largest) return;
  const Need need = need_of(at, config);
  const double cache = static_cast<double>(at.batch) * need.sequence;
  const auto room = static_cast<double>(available_bytes);
  const std::optional<double>& allowed = at.flags.engine.max_memory_gb;
  const bool by_flag = allowed.has_value() && 1e9 * *allowed < room;
  fail(flag, ": the weights (", gigabytes(need.weights), " of ", name_of(at.dtype), ") and a KV cache of ",
       at.batch, at.batch == 1 ? " sequence of " : " sequences of ", at.flags.engine.max_sequence_length,
       " tokens (", gigabytes(cache), ") need ", gigabytes(need.weights + cache), ", but ",
       gigabytes(by_flag ? 1e9 * *allowed : room), by_flag ? " are allowed by --max-memory-gb" : " are free",
       largest == 0 ? std::string(", expected a smaller model or fewer tokens")
                    : ", expected a batch of at most " + std::to_string(largest));
}

}  // namespace caravan::cli
