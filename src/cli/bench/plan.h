// The command line of `caravan bench`: what it is to measure, checked as a whole before anything is loaded.
// Thread safety: value types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench/case.h"
#include "cli/flags/options.h"
#include "cli/flags/report_flags.h"
#include "models/config.h"

namespace caravan::cli {

enum class BenchKind : uint8_t {
  kSweep,   ///< every case as it stands
  kSearch,  ///< the largest batch of each case, which itself has a batch of one
  kTests,   ///< llama-bench's pp and tg
};

struct BenchPlan {
  BenchKind kind = BenchKind::kSweep;
  ModelConfig config;
  std::vector<BenchCase>
      cases;  ///< by dtype, then dtype of the KV cache, mode, input length, output length and batch size
  int64_t repeat = 0;
  double max_decode_ms = 0.0;  ///< of a search
  ReportFlags report;
};

const Command& bench_command();

/// Throws Error on a value that is wrong, on flags that exclude each other, and on a case that does not fit
/// into the context or into `available_bytes` of memory.
BenchPlan parse_bench_plan(const Arguments& arguments, uint64_t available_bytes);

/// Whether there is a step in which `batch` sequences of `at` all decode: a step must hold a token of each,
/// and the first must not have filled the context before the last has its prompt computed.
bool decodes_together(const BenchCase& at, int64_t batch, int64_t context);

/// `at` with another batch size, with which it decodes together.
BenchCase with_batch(BenchCase at, int64_t batch, const ModelConfig& config);

/// The largest batch with which `at` decodes together and that fits into `available_bytes`; 0 if none does.
int64_t largest_runnable_batch(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config);

}  // namespace caravan::cli
