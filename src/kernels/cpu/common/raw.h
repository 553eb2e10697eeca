// What the ISA levels compute, as plain structs and function pointers.
//
// Files compiled for an ISA level include intrinsics, this header and the others of this folder, and nothing
// else: an inline function of the standard library (or of ours) that was compiled for AVX-512 could be the
// copy that the linker keeps for everybody, and crash an older CPU. Everything such a file defines has
// internal linkage, its one table aside (tests/kernels checks the object files). Thread safety: plain data
// and pure functions.
#pragma once

namespace caravan::cpu {

using Index = long;  // 64 bits on every platform that Caravan has level kernels for

/// y[t, o] for tokens 0 .. tokens - 1 and the outputs begin .. end - 1. Shapes as in ops/linear.h.
struct LinearTask {
  const void* x = nullptr;       ///< [tokens, in]
  const void* weight = nullptr;  ///< [out, in]
  const float* bias = nullptr;   ///< [out] or null
  float* y = nullptr;            ///< [tokens, out]
  Index tokens = 0;
  Index in = 0;
  Index out = 0;
  Index begin = 0;
  Index end = 0;
};

/// One panel of a packed weight against `tokens` rows of x. As in ops/packed_linear.h; pointers are at the
/// panel's first output.
struct PanelTask {
  const void* x = nullptr;          ///< [tokens, in]
  const void* panel = nullptr;      ///< [steps, 64, step]
  const float* bias = nullptr;      ///< [columns], [64] where halves; or null
  const float* residual = nullptr;  ///< [tokens], rows stride elements apart; or null
  void* y = nullptr;                ///< [tokens], rows stride elements apart
  Index tokens = 0;
  Index in = 0;
  Index stride = 0;
  Index columns = 0;       ///< of y that the panel has: up to 64, up to 32 where halves
  bool halves = false;     ///< the epilogue is silu(first 32) * last 32
  bool y_bf16 = false;     ///< y is bf16 (halves only), else fp32
  Index block_inputs = 0;  ///< a multiple of the step; kernels that cut by themselves ignore it
  Index block_tokens = 0;  ///< at most kMaxBlockTokens
  /// The panel that the lane does next, which memory may be asked for meanwhile, or null.
  const void* next = nullptr;
  bool cached = false;  ///< the matrix is so small that it is likely to be in a cache
};

/// What a chunk's scales are stored as.
enum class ScaleType : unsigned char { kF32, kF16, kBF16 };

/// How a panel's chunks of a quantised weight lie, each of one group of inputs or one block of groups:
/// tensor/quantization.h. Offsets are in bytes from a chunk's start.
struct QuantizedPanel {
  Index group = 0;         ///< inputs of a group
  Index chunk_inputs = 0;  ///< inputs of a chunk: of one group or, where has_multiples, more
  Index chunk_bytes = 0;   ///< from one to the next
  Index minimums = 0;
  Index zeros = 0;
  Index multiples = 0;
  Index minimum_multiples = 0;
  Index sums = 0;
  Index masks = 0;        ///< of a sparse weight, whose values are kept ones; else as values
  Index values = 0;       ///< of a lifted weight the first group's factors
  Index group_bytes = 0;  ///< of a lifted weight: from one group's factors to the next's
  int bits = 8;
  bool has_zeros = false;
  bool has_minimums = false;
  bool has_multiples = false;
  ScaleType scale = ScaleType::kF32;
};

/// One panel of a quantised weight against `tokens` rows. As in ops/packed_linear.h.
struct QuantizedTask {
  PanelTask panel;  ///< whose `panel` is the first chunk
  QuantizedPanel weight;
  Index x_stride = 0;  ///< quantised rows: bytes from one to the next
  Index meaning = 0;   ///< quantised rows: where their scale and zero point lie, in bytes
};

/// Bytes of a cache line.
constexpr Index kLine = 64;

/// Outputs of a panel, as tensor/panels.h has them (levels.cpp checks it).
constexpr Index kPanel = 64;
/// So that a block's sums, 64 for each token, take 24 KB of the stack.
constexpr Index kMaxBlockTokens = 96;
/// So that a widened block of a panel takes 128 KB of the stack.
constexpr Index kMaxBlockInputs = 512;

/// With more tokens, a panel of a weight that alone is quantised, or is sparse or lifted, is expanded once
/// for all of them, and with fewer a block at a time as it is read.
constexpr Index kFewExpandedTokens = 16;
/// From so many tokens on a call of a panel kernel that keeps its inputs in the L2 cache does so.
constexpr Index kResidentFrom = 65;

/// Elements begin .. end - 1 (or rows, for rms_norm) of a row-wise op.
struct RowTask {
  const float* a = nullptr;  ///< the op's first input
  const float* b = nullptr;  ///< its second
  void* y = nullptr;
  Index width = 0;
  Index begin = 0;
  Index end = 0;
  float epsilon = 0.0F;
};

/// How a row's scale is found: ops/quantize_rows.h.
enum class RowMode : unsigned char { kPerToken, kSymmetric, kStatic };

/// Rows begin .. end - 1 of quantize_rows, or of rms_norm and then quantize_rows.
struct QuantizeTask {
  const void* x = nullptr;             ///< [rows, width]
  const float* norm_weight = nullptr;  ///< [width], of the norm
  float epsilon = 0.0F;                ///< of the norm
  unsigned char* y = nullptr;          ///< [rows, y_stride]
  Index width = 0;
  Index y_stride = 0;
  Index meaning = 0;  ///< where a row's scale and zero point lie, in bytes from its start
  Index begin = 0;
  Index end = 0;
  RowMode mode = RowMode::kPerToken;
  float scale = 0.0F;  ///< kStatic
  int zero = 0;        ///< kStatic
};

/// Rows begin .. end - 1 of add_rms_norm.
struct AddNormTask {
  RowTask norm;                     ///< as rms_norm's, of which `a` is the first input of the addition
  const float* residual = nullptr;  ///< its second
  float* sum = nullptr;             ///< may be either
};

/// combine_experts of one token: rows of `width` elements.
struct CombineTask {
  const float* residual = nullptr;
  const float* grouped = nullptr;  ///< the first row of all
  const int* places = nullptr;     ///< [chosen]: rows of grouped; -1 for none
  const float* weights = nullptr;  ///< [chosen]
  const float* shared = nullptr;   ///< or null
  float shared_weight = 0.0F;
  float* y = nullptr;  ///< may be residual
  Index chosen = 0;
  Index width = 0;
};

/// One head of one token: x and y [2 * half], angles [2 * half]. As in ops/rope.h.
struct RopeTask {
  const float* x = nullptr;
  const float* angles = nullptr;
  float* y = nullptr;
  Index half = 0;
};

/// The query rows of one attention call, all of one sequence: `head_rows` (at least 1) for each of one or
/// more KV heads that follow each other, the same positions for each, in order: within a head neither `first`
/// nor `last` ever falls.
struct AttentionRows {
  /// So that widening a tile of keys costs little beside multiplying by it.
  static constexpr int kMaxRows = 96;
  const float* q[kMaxRows];  ///< each [head_dim]
  void* y[kMaxRows];         ///< each [head_dim]
  Index first[kMaxRows];     ///< the first position that the row attends to
  Index last[kMaxRows];      ///< the last one
  /// Of each row, [chunks from first's to last's, padded(head_dim) + kAttentionResultTail]: sums of values,
  /// the largest score and the sum of weights. Used where chunks are shared out.
  float* partials[kMaxRows];
  int rows = 0;             ///< a multiple of head_rows
  int head_rows = 0;        ///< of one KV head
  const void* k = nullptr;  ///< the cache's start, at the first KV head, laid out as tensor/kv_layout.h says
  const void* v = nullptr;
  const int* blocks = nullptr;  ///< this sequence's block table
  Index block_stride = 0;       ///< elements from one block to the next
  Index head_stride = 0;        ///< and from one KV head to the next
  Index block_size = 0;
  Index head_dim = 0;  ///< at most kMaxHeadDim
  float scale = 0.0F;
};

/// Slots whose scales lie in one piece, as tensor/kv_layout.h has them (x86/attention.h checks it).
constexpr Index kScaledGroup = 16;

/// Positions whose softmax is computed on its own and then merged, as ops/attention.h has them
/// (x86/attention.h checks it).
constexpr Index kAttentionChunk = 512;
/// Elements that a chunk's result has after its sums: a cache line's, so that the next begins on one.
constexpr Index kAttentionResultTail = 16;

/// The largest head of the fast attention kernels, whose tiles live on the stack; the LLaMA family has 64 to
/// 256.
constexpr Index kMaxHeadDim = 256;

/// Arithmetic on registers alone: what a level's matmuls are measured against.
struct PeakKernel {
  void (*run)(Index steps, float* values);  ///< values: [64]
  Index operations_per_step;
};

/// Everything that a level computes. Suffixes name dtypes: of the weight or cache, then of y where it varies.
struct LevelKernels {
  void (*linear_f32)(const LinearTask&);
  void (*linear_f16)(const LinearTask&);
  void (*linear_bf16)(const LinearTask&);
  void (*panel_f32)(const PanelTask&);
  void (*panel_f16)(const PanelTask&);
  void (*panel_bf16)(const PanelTask&);
  void (*panel_i8)(const QuantizedTask&);
  /// Of a sparse weight: against up to kFewExpandedTokens tokens, and its chunk with every value stored.
  void (*sparse_i8)(const QuantizedTask&);
  void (*expand_sparse)(const QuantizedTask&, void* to);
  /// The same of a lifted weight.
  void (*lifted_i8)(const QuantizedTask&);
  void (*expand_lifted)(const QuantizedTask&, void* to);
  /// Of a weight that alone is quantised, by what it is multiplied as: in fp32 and fp16 against up to
  /// kFewExpandedTokens tokens, and expanded to an ordinary panel [in, 64]; in bf16 against any number.
  void (*weight_only_f32)(const QuantizedTask&);
  void (*weight_only_f16)(const QuantizedTask&);
  void (*weight_only_bf16)(const QuantizedTask&);
  void (*expand_f32)(const QuantizedTask&, void* to);
  void (*expand_f16)(const QuantizedTask&, void* to);
  /// So many bytes of inputs panel_bf16 and weight_only_bf16 keep in the L2 cache while panel after panel
  /// passes: no call with more than kResidentFrom tokens should have more. 0: they do not, and go by
  /// block_tokens.
  Index resident_bf16;
  PeakKernel peak_f32;
  PeakKernel peak_bf16;
  PeakKernel peak_i8;
  void (*rms_norm_f32)(const RowTask&);
  void (*rms_norm_bf16)(const RowTask&);
  void (*rms_norm_u8)(const QuantizeTask&);
  void (*quantize_rows_f32)(const QuantizeTask&);  ///< of x
  void (*quantize_rows_bf16)(const QuantizeTask&);
  void (*add_rms_norm_f32)(const AddNormTask&);
  void (*add_rms_norm_bf16)(const AddNormTask&);
  void (*silu_mul_f32)(const RowTask&);
  void (*silu_mul_bf16)(const RowTask&);
  void (*add_f32)(const RowTask&);
  void (*combine_f32)(const CombineTask&);
  void (*rope_f32)(const RopeTask&);
  void (*store_f16)(const float* from, void* to, Index count);   ///< rounds `count` elements to fp16
  void (*store_bf16)(const float* from, void* to, Index count);  ///< and to bf16
  /// Rounds a row to int8 as ops/kv_write.h says and returns its scale. given: 0 where there is none.
  float (*store_i8)(const float* from, void* to, Index count, float given);
  void (*attention_f32_f32)(const AttentionRows&);
  void (*attention_f16_f32)(const AttentionRows&);
  void (*attention_bf16_f32)(const AttentionRows&);
  void (*attention_bf16_bf16)(const AttentionRows&);
  void (*attention_i8_f32)(const AttentionRows&);
  void (*attention_i8_bf16)(const AttentionRows&);
  void (*attention_chunk_f32)(const AttentionRows&, Index chunk);  ///< one chunk into the partials
  void (*attention_chunk_f16)(const AttentionRows&, Index chunk);
  void (*attention_chunk_bf16)(const AttentionRows&, Index chunk);
  void (*attention_chunk_i8)(const AttentionRows&, Index chunk);
  void (*attention_merge_f32)(const AttentionRows&);  ///< the partials of all chunks into y
  void (*attention_merge_bf16)(const AttentionRows&);
  void (*exp_f32)(const float* from, float* to, Index count);  ///< for the test of its error
};

extern const LevelKernels kAvx2Kernels;
extern const LevelKernels kAvx512Kernels;
extern const LevelKernels kAvx512Bf16VnniKernels;
extern const LevelKernels kAmxKernels;

}  // namespace caravan::cpu
