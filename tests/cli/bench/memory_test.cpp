#include "cli/bench/memory.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::cli {
namespace {

/// LLaMA-2-7B in bf16: 6738415616 parameters, of which the 65 norms of 4096 are fp32, and 2 * 32 * 4096 * 2
/// bytes of cache for each token.
constexpr double kWeights = 2.0 * 6738415616 + 2.0 * 65 * 4096;
constexpr double kSequence = 640.0 * 524288;

ModelConfig config() { return load_config(test::source_dir() / "models/configs/llama-2-7b"); }

BenchCase case_of(int64_t batch) {
  BenchCase at;
  at.dtype = DType::kBF16;
  at.kv_dtype = DType::kBF16;
  at.batch = batch;
  at.flags.engine.max_sequences = batch;
  at.flags.engine.max_sequence_length = 640;
  return at;
}

uint64_t room_for(int64_t batch) {
  return static_cast<uint64_t>(kWeights + kSequence * static_cast<double>(batch));
}

TEST(LargestBatch, IsWhatTheCacheHasRoomForBesideTheWeights) {
  EXPECT_EQ(largest_batch_in(room_for(7), case_of(1), config()), 7);
  EXPECT_EQ(largest_batch_in(room_for(7) - 1, case_of(1), config()), 6);
  EXPECT_EQ(largest_batch_in(room_for(0), case_of(1), config()), 0);
  EXPECT_EQ(largest_batch_in(0, case_of(1), config()), 0);
}

TEST(LargestBatch, IsLargerWithAnInt8Cache) {
  BenchCase at = case_of(1);
  at.kv_dtype = DType::kI8;
  // 132 bytes where there were 256.
  EXPECT_EQ(largest_batch_in(room_for(33), at, config()), 64);
}

TEST(LargestBatch, KeepsToTheMemoryThatIsAllowed) {
  BenchCase at = case_of(1);
  at.flags.engine.max_memory_gb = (kWeights + 2.5 * kSequence) / 1e9;
  EXPECT_EQ(largest_batch_in(room_for(7), at, config()), 2);
}

TEST(LargestBatch, CountsWholeBlocksOfTheCache) {
  BenchCase at = case_of(1);
  at.flags.engine.max_sequence_length = 625;  // 39.06 blocks of 16 tokens
  EXPECT_EQ(largest_batch_in(room_for(7), at, config()), 7);
  at.flags.engine.max_sequence_length = 624;
  EXPECT_EQ(largest_batch_in(room_for(39), at, config()), 40);
}

TEST(RequireMemory, LetsPassWhatFits) {
  EXPECT_NO_THROW(require_memory(room_for(7), case_of(7), config(), "--batch-size 7"));
}

TEST(RequireMemory, RefusesABatchThatDoesNotFitWithTheArithmetic) {
  EXPECT_EQ(test::error_of([] { require_memory(16'000'000'000, case_of(64), config(), "--batch-size 64"); }),
            "--batch-size 64: the weights (13.48 GB of bf16) and a KV cache of 64 sequences of 640 tokens "
            "(21.47 GB) need 34.95 GB, but 16.00 GB are free, expected a batch of at most 7");
}

TEST(RequireMemory, NamesTheFlagThatAllowsTooLittle) {
  BenchCase at = case_of(2);
  at.flags.engine.max_memory_gb = 14.0;
  EXPECT_EQ(
      test::error_of([&at] { require_memory(room_for(9), at, config(), "--batch-size 2"); }),
      "--batch-size 2: the weights (13.48 GB of bf16) and a KV cache of 2 sequences of 640 tokens (0.67 "
      "GB) need 14.15 GB, but 14.00 GB are allowed by --max-memory-gb, expected a batch of at most 1");
}

TEST(RequireMemory, AsksForASmallerModelWhereNotEvenOneSequenceFits) {
  EXPECT_EQ(
      test::error_of([] { require_memory(5'000'000'000, case_of(1), config(), "--pp 512"); }),
      "--pp 512: the weights (13.48 GB of bf16) and a KV cache of 1 sequence of 640 tokens (0.34 GB) need "
      "13.81 GB, but 5.00 GB are free, expected a smaller model or fewer tokens");
}

}  // namespace
}  // namespace caravan::cli
