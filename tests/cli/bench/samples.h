// Rows as a run might give them, for the tests of what is made of rows.
#pragma once

#include "cli/bench/case.h"

namespace caravan::test {

/// A row of bf16 in the eager mode, 512 tokens in and 128 out, whose decode step takes 2 ms and 1 ms more for
/// each sequence, of which the limit is half.
inline cli::BenchFigures sample_row(int64_t batch) {
  cli::BenchFigures row;
  row.at.dtype = DType::kBF16;
  row.at.kv_dtype = DType::kBF16;
  row.at.mode = "eager";
  row.at.batch = batch;
  row.at.input = 512;
  row.at.output = 128;
  row.at.flags.model_path = "models/some";
  row.at.flags.engine.threads = 2;
  row.prefill_ms = 100.0;
  row.prefill_tokens_per_second = 5120.0 * static_cast<double>(batch);
  row.prefill_limit_ms = 25.0;
  const double step = 2.0 + static_cast<double>(batch);
  row.decode = {step, step, 1.5 * step, 2.0 * step, 0.5 * step};
  row.weight_bytes = 1'000'000;
  row.kv_bytes = 500'000;
  row.peak_bytes = 1'750'000;
  row.limits = {20e9, 100e9};
  return row;
}

/// A row of llama-bench's test of 512 tokens of prompt.
inline cli::BenchFigures sample_test_row() {
  cli::BenchFigures row = sample_row(1);
  row.at.test = "pp512";
  row.at.output = 1;
  row.decode.reset();
  row.rate_mean = 5000.0;
  row.rate_deviation = 12.0;
  row.limit_rate = 20000.0;
  return row;
}

}  // namespace caravan::test
