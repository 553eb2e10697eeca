// Runs one case of `caravan bench` and takes its times.
// Thread safety: one thread; the runs themselves are on another.
#pragma once

#include <functional>
#include <string>

#include "cli/bench/case.h"

namespace caravan::cli {

/// Is told from time to time, between steps, what is going on.
using BenchProgress = std::function<void(const std::string& what)>;

/// Loads the model of `at` and runs it `repeat` times, after one run of a few steps to warm up, each with the
/// same prompts of random token ids and a greedy choice of tokens. Throws Error on what load_model() and
/// Engine throw it on.
BenchRuns run_case(const BenchCase& at, int64_t repeat, const BenchProgress& progress);

/// How many tokens the first of `batch` sequences has generated when the prompts of all, of `input` tokens
/// each, are computed: 1 where one step computes them; else the sequences that are done early decode
/// meanwhile. `max_batch_tokens` must be at least `batch`.
int64_t tokens_while_prefilling(int64_t batch, int64_t input, int64_t max_batch_tokens);

}  // namespace caravan::cli
