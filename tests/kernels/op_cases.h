// Ops with random inputs, ready to run: what the kernel tests compare levels on.
// Invariants: the same seed makes the same inputs. Thread safety: one thread.
#pragma once

#include <random>
#include <vector>

#include "ops/kernel_table.h"
#include "tensor/buffer.h"

namespace caravan::test {

/// Normally distributed values of standard deviation `scale`, in `dtype`.
Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& random, float scale = 1.0F);
Tensor index_tensor(const std::vector<int32_t>& values, const Shape& shape);

/// Whether a cache of this dtype can have such blocks.
inline bool can_have_blocks_of(DType cache, int64_t block_size) {
  return cache != DType::kI8 || block_size % kScaledSlots == 0;
}

/// The elements as doubles.
std::vector<double> values_of(const Tensor& tensor);

/// What a linear op needs.
struct LinearCase {
  LinearCase(DType dtype, int64_t tokens, int64_t in, int64_t out, bool with_bias, unsigned seed);
  LinearArgs args();

  Tensor x;
  Tensor weight;
  Tensor bias;
  Tensor y;
  bool has_bias;
};

/// What a packed linear op needs: a LinearCase whose weight is packed too. With kSiluMul, `out` is the width
/// of y, and the weight has as many rows as its whole groups of 64 need.
struct PackedCase {
  PackedCase(DType dtype, int64_t tokens, int64_t in, int64_t out, Epilogue epilogue, unsigned seed);
  PackedLinearArgs args();

  LinearCase plain;
  Tensor weight;
  Tensor residual;
  Tensor y;
  Epilogue epilogue;
};

/// Makes an element of a tensor of floats NaN.
void put_nan(const Tensor& tensor, int64_t element);

/// How far attention may be from the reference where values are of size 1 to 4, and weights come from
/// exponentials good to 2^-22 of scores of size 4.
double attention_bound(DType y);

/// Sequences in a cache, and queries at some of their positions.
struct AttentionCase {
  struct Sequence {
    int64_t length = 0;   ///< positions that have keys and values
    int64_t queries = 0;  ///< the last so many of them are asked for
  };
  struct Shape4 {
    int64_t heads = 0;
    int64_t kv_heads = 0;
    int64_t head_dim = 0;
    int64_t block_size = 0;
  };

  AttentionCase(DType cache, DType y, const std::vector<Sequence>& sequences, const Shape4& shape,
                int64_t window, unsigned seed);
  AttentionArgs args();
  KvWriteArgs write_args();

  Tensor q;
  Tensor k;  ///< of every position of every sequence, in order: what kv_write stores
  Tensor v;
  Tensor k_cache;
  Tensor v_cache;
  Tensor table;
  Tensor query_positions;
  Tensor query_sequences;
  Tensor all_positions;
  Tensor all_sequences;
  Tensor y_tensor;
  int64_t window;
};

/// The arguments of `args` for query row `row` only, whose result goes to `y`.
AttentionArgs one_query(AttentionArgs args, int64_t row, const Tensor& y);

/// Runs every lane of the entry's kernel for `args`, one after the other.
template <typename Args>
void run_lanes(const KernelRow<Args>& row, const Args& args, int lanes) {
  check(args);
  for (int lane = 0; lane < lanes; ++lane) row.at(key_dtype(args)).run(args, {lane, lanes});
}

}  // namespace caravan::test
