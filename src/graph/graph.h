// A recorded model: values, and the ops that make them, with sizes that are known only at each step.
//
// Invariants: nodes are in an order in which they can run; every value but inputs, weights and caches is an
// output of exactly one node, and once; every node but kv_write, which only writes to caches, has an output.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/packed_linear.h"
#include "tensor/quantization.h"

namespace caravan {

/// A size that differs from step to step, or from engine to engine.
enum class Symbol : uint8_t {
  kNone,
  kTokens,
  kSequences,
  kLogitRows,
  kBlocks,
  kBlocksPerSequence,
  kBlockSize
};
constexpr size_t kSymbolCount = 7;

/// One size of a symbolic shape: a symbol's value, or `times` as much, or a constant where the symbol is
/// kNone.
struct Dim {
  Symbol symbol = Symbol::kNone;
  int64_t constant = 0;
  int64_t times = 1;
  bool operator==(const Dim& other) const = default;
};

using SymbolicShape = std::vector<Dim>;

/// "[tokens, 128]"; "[2 tokens, 128]".
std::string to_string(const SymbolicShape& shape);

/// What a step is given. The contracts of the ops that read them say what they mean.
enum class InputKind : uint8_t {
  kTokenIds,         ///< int32 [tokens]; -1 for padding
  kPositions,        ///< int32 [tokens]
  kSequences,        ///< int32 [tokens]; -1 for padding
  kBlockTable,       ///< int32 [sequences, blocks_per_sequence]
  kRopeFrequencies,  ///< fp32 [sequences, head_dim / 2]
  kLogitRows,        ///< int32 [logit_rows]: the tokens whose logits are wanted
};
constexpr size_t kInputCount = 6;

enum class ValueKind : uint8_t { kInput, kWeight, kCache, kIntermediate };

using ValueId = int32_t;

struct Value {
  ValueKind kind = ValueKind::kIntermediate;
  /// Which input (an InputKind), weight (into Graph::weights) or cache (2 * layer for K, 2 * layer + 1 for V)
  /// it is.
  int32_t index = 0;
  std::string name;
  DType dtype = DType::kF32;
  SymbolicShape shape;
};

enum class OpKind : uint8_t {
  kEmbedding,     ///< ids, table
  kLinear,        ///< x, weight [, bias]
  kPackedLinear,  ///< x, weight [, residual, by the epilogue] [, bias]
  kRmsNorm,       ///< x, weight
  kAddRmsNorm,    ///< x, residual, weight; two outputs: the sum, and it normed
  kRopeAngles,    ///< positions, sequences, frequencies
  kRope,          ///< x, angles
  kKvWrite,       ///< k, v, positions, sequences, block table, K cache, V cache [, K scales, V scales]
  /// q, k, v, angles, positions, sequences, block table, K cache, V cache [, K scales, V scales]; q, k and v
  /// are one and the same value where they lie side by side in it.
  kRopeKvWrite,
  kAttention,       ///< q, positions, sequences, block table, K cache, V cache
  kSiluMul,         ///< gate, up
  kAdd,             ///< a, b
  kTakeRows,        ///< x, rows
  kQuantizeRows,    ///< x
  kRouteExperts,    ///< logits, sequences; two outputs: experts, weights
  kGroupRows,       ///< experts; three outputs: offsets, rows, places
  kGroupedLinear,   ///< x, weight, offsets
  kCombineExperts,  ///< residual, grouped, weights, places [, shared, its gate]
};

/// The name that the op has in kernels/ and in docs/ops.md: "rms_norm".
std::string_view name_of(OpKind op);

/// The numbers that an op's contract asks for beside its tensors.
struct Attributes {
  float epsilon = 0.0F;                 ///< rms_norm, add_rms_norm
  float scale = 1.0F;                   ///< rope_angles, attention
  int64_t window = 0;                   ///< attention
  bool renormalize = false;             ///< route_experts
  Epilogue epilogue = Epilogue::kNone;  ///< packed_linear, grouped_linear
  RowQuant rows = {};                   ///< quantize_rows, and rms_norm whose output is quantised
  QuantizedFormat format = {};          ///< packed_linear and grouped_linear of a quantised weight
  int64_t in = 0;                       ///< the same: inputs of the weight
};

struct Node {
  OpKind op = OpKind::kAdd;
  std::vector<ValueId> inputs;        ///< in the order that OpKind's comments give
  std::vector<ValueId> outputs = {};  ///< one, where OpKind's comments do not say more
  Attributes attributes = {};
};

/// Rows of a weight that the checkpoint stores as one tensor, and the names under which it may be stored.
struct WeightSource {
  std::vector<std::string> names;
  int64_t rows = 0;
  bool operator==(const WeightSource& other) const = default;
};

/// How a weight lies in memory.
enum class WeightLayout : uint8_t {
  kRows,               ///< its sources one below the other
  kInterleavedRows,    ///< rank 1: of two sources by turns kInterleave elements, zeros where one has ended
  kPanels,             ///< rank 2: as kRows, in panels (tensor/panels.h)
  kInterleavedPanels,  ///< rank 2: each panel kInterleave rows of each of two sources
};

/// A weight that the graph reads.
struct WeightSpec {
  std::vector<WeightSource> sources;
  int64_t width = 0;  ///< of each row; 0 for a vector, whose rows are its elements
  DType dtype = DType::kF32;
  WeightLayout layout = WeightLayout::kRows;
  /// Of a quantised matrix, which lies in panels from the recording on, and whose dtype is that of the blob.
  std::optional<QuantizedFormat> format = std::nullopt;
  /// The weights of so many experts, of as many sources each, one expert after the other: in panels from the
  /// recording on, each expert's own.
  int64_t experts = 1;
};

/// Of all sources together.
int64_t rows_of(const WeightSpec& spec);
/// What the weight's view has: [rows, width] or [rows], or that of panels, quantised panels or interleaved
/// rows.
Shape shape_of(const WeightSpec& spec);

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<WeightSpec> weights;
  int32_t num_layers = 0;  ///< how many pairs of caches it reads
  ValueId output = -1;     ///< logits, fp32 [logit_rows, vocab]
};

/// Whether `node` is a matmul of which nothing but the sums is made yet: as it was recorded.
bool is_plain_matmul(const Graph& graph, const Node& node);

/// Whether `node` takes the rows whose logits the step wants.
bool takes_logit_rows(const Graph& graph, const Node& node);

/// One line per node: "%7 fp32 [tokens, 128] = linear(%5, model.layers.0.self_attn.q_proj.weight)". An
/// epilogue follows in braces; two outputs stand side by side, with a comma between.
std::string to_string(const Graph& graph);

}  // namespace caravan
