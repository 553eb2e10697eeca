// Records a model: each call adds one op (attention: two) and returns the value that it makes.
//
// The builder knows the dtypes, so that models do not: weights and caches in the precision it was made with,
// the inputs of matmuls as ops/linear.h asks, everything else fp32. Invariants: values belong to the builder
// that made them; a shape that does not fit is a bug of the model and aborts. Thread safety: one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace caravan {

/// What a graph's tensors are stored in.
struct Precision {
  DType weights = DType::kF32;
  DType kv_cache = DType::kF32;
  /// By name: matrices that are quantised, and how.
  std::map<std::string, QuantizedFormat> quantized = {};
};

struct AttentionSpec {
  int64_t head_dim = 0;
  int64_t kv_heads = 0;
  float scale = 1.0F;
  int64_t window = 0;  ///< 0: none
  /// The weights that hold the scales of an int8 cache's keys and values, [1] or [kv_heads]: both or neither.
  /// Where they are empty, each row that is written has a scale of its own.
  std::string k_scale = {};
  std::string v_scale = {};
  int64_t scale_rows = 1;  ///< elements of each
};

/// Which experts compute a step's tokens.
struct Routing {
  ValueId weights = -1;  ///< of each token's experts, as all below made by the ops of ops/route_experts.h
  ValueId offsets = -1;
  ValueId rows = -1;
  ValueId places = -1;
  int64_t experts = 0;
};

/// The names of one matrix of each expert: "PREFIX3SUFFIX" of the fourth.
struct ExpertNames {
  std::string prefix;
  std::string suffix;

  [[nodiscard]] std::string of(int64_t expert) const { return prefix + std::to_string(expert) + suffix; }
};

class GraphBuilder {
 public:
  explicit GraphBuilder(Precision precision);

  /// The rows of the table [vocab, hidden] that the step's token ids name. `names` are where the table may be
  /// stored.
  ValueId embedding(const std::vector<std::string>& names, int64_t vocab, int64_t hidden);
  /// x times the weight `names` [out, x's width] transposed, plus the bias `bias_name` [out] unless that is
  /// empty. Where the precision says so the weight is quantised, and x too.
  ValueId linear(ValueId x, const std::vector<std::string>& names, int64_t out,
                 const std::string& bias_name = "");
  /// x normed by the weight `name` [x's width].
  ValueId rms_norm(ValueId x, const std::string& name, double epsilon);
  /// The cosines and sines of the step's positions, for rope().
  ValueId rope_angles(int64_t head_dim, double scale);
  ValueId rope(ValueId x, ValueId angles);
  /// Stores k and v in the next layer's cache, then attends to it with q. Scales are for int8 caches only.
  ValueId attention(ValueId q, ValueId k, ValueId v, const AttentionSpec& spec);
  ValueId silu_mul(ValueId gate, ValueId up);
  ValueId add(ValueId a, ValueId b);
  /// The rows of x whose logits the step wants.
  ValueId take_logit_rows(ValueId x);

  /// Sends each token to the `chosen` experts of its largest `logits` [tokens, experts].
  Routing route(ValueId logits, int64_t chosen, bool renormalize);
  /// The rows of x times the weights [out, x's width] of the experts that they are routed to, grouped by
  /// expert: [tokens * chosen, out].
  ValueId expert_linear(ValueId x, const ExpertNames& names, int64_t out, const Routing& routing);
  /// The same for rows that are grouped already.
  ValueId grouped_linear(ValueId grouped, const ExpertNames& names, int64_t out, const Routing& routing);
  /// residual + what the experts of each token made, weighed; and what an expert of all tokens made, times
  /// the sigmoid of `shared_gate`, where there is one (else -1).
  ValueId combine_experts(ValueId residual, ValueId grouped, const Routing& routing, ValueId shared = -1,
                          ValueId shared_gate = -1);

  /// The finished graph, whose output is `logits`. The builder is empty afterwards.
  Graph finish(ValueId logits);

 private:
  ValueId input(InputKind kind);
  /// `width` 0: a vector of `rows`.
  ValueId weight(const std::vector<std::string>& names, int64_t rows, int64_t width, DType dtype);
  ValueId quantized_linear(ValueId x, const std::vector<std::string>& names, int64_t out,
                           const QuantizedFormat& format);
  /// x quantised row by row; what has been quantised so already is not again.
  ValueId quantize_rows(ValueId x, const RowQuant& rows);
  /// How the matrices `names` are quantised, all alike. Throws Error where they are not.
  [[nodiscard]] std::optional<QuantizedFormat> format_of(const ExpertNames& names, int64_t experts) const;
  /// The rows of x that each expert computes.
  ValueId group_rows(ValueId x, const Routing& routing);
  /// `rows` grouped, and quantised where the format wants it; of `in` inputs each.
  ValueId add_grouped_linear(ValueId rows, int64_t in, const ExpertNames& names, int64_t out,
                             const Routing& routing);
  /// What only quantisation reads is not rounded to a matmul's input before.
  void widen_what_is_quantized();
  ValueId cache(int32_t index, const AttentionSpec& spec);
  /// Adds a node whose output has x's rows, `width` columns and `dtype`.
  ValueId add_node(OpKind op, std::vector<ValueId> inputs, DType dtype, SymbolicShape shape,
                   Attributes attributes = {});
  /// The constant size of x's last axis.
  [[nodiscard]] int64_t width_of(ValueId x) const;
  [[nodiscard]] SymbolicShape rows_by(ValueId x, int64_t width) const;
  static Dim fixed(int64_t size);
  /// What the input of a matmul is stored in.
  [[nodiscard]] DType matmul_input() const;

  Precision precision_;
  Graph graph_;
  std::vector<ValueId> inputs_;  ///< by InputKind; -1 until first used
};

}  // namespace caravan
