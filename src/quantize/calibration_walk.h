// Runs a model node by node over the texts of a calibration, all at once, with weights that are asked for as
// they are needed: so that whoever quantises it sees the inputs of each matrix before it is multiplied, and
// can put another matrix in its place.
//
// Everything is fp32. In memory are the activations between two nodes and the keys and values of one layer,
// of all texts, and the weights of one node. Thread safety: one thread, which leads a team of threads.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "device/thread_team.h"
#include "execute/bound_op.h"
#include "execute/step.h"
#include "models/config.h"
#include "tensor/buffer.h"

namespace caravan {

/// What multiplies.
struct Machine {
  KernelTable kernels;
  ThreadTeam team;

  /// With the best kernels and as many threads as this process may use; CARAVAN_ISA bounds the kernels.
  Machine();
  explicit Machine(const KernelTable& table, int threads) : kernels(table), team(threads) {}

  void run(const OpArgs& args);
  /// x [tokens, in] times weight [out, in] transposed, fp32.
  Tensor multiply(const ConstTensorView& x, const ConstTensorView& weight, const ConstTensorView& bias = {});
};

/// Matmuls that read one and the same input: q, k and v; gate and up; or a single one. Those of experts are
/// one node for all experts.
struct MatmulGroup {
  ValueId input = -1;
  std::vector<size_t> nodes;  ///< into Graph::nodes, in order
  int64_t experts = 1;
};

/// Of a graph as it was recorded without quantisation, in order.
std::vector<MatmulGroup> matmul_groups(const Graph& graph);

/// Where the rows of each expert begin, and where the last one's end: [experts + 1]. Of a group that has no
/// experts: 0, and the number of all rows.
using ExpertOffsets = std::span<const int32_t>;

/// The outputs of a group's matmuls, [rows, out] each, put together of what `multiply` makes of the rows
/// [rows of the expert, in] of each expert, of which there may be none.
std::vector<Tensor> outputs_by_expert(
    const ConstTensorView& x, ExpertOffsets offsets,
    const std::function<std::vector<Tensor>(int64_t expert, const ConstTensorView& rows)>& multiply);

struct WalkHooks {
  /// The table or vector that a weight of the graph means, fp32.
  std::function<Tensor(const WeightSpec& spec)> weight;
  /// The outputs of a group's matmuls, fp32 [rows, out] each, for its input x, fp32 [rows, in].
  std::function<std::vector<Tensor>(const MatmulGroup& group, const ConstTensorView& x,
                                    ExpertOffsets offsets)>
      multiply;
  /// Sees what is stored in the KV cache of `layer`, fp32 [tokens, kv_heads * head_dim] each. May be empty.
  std::function<void(int32_t layer, const ConstTensorView& k, const ConstTensorView& v)> cached;
};

class CalibrationWalk {
 public:
  /// `texts` in tokens, each of at least one and none longer than the model's context. `graph`, recorded in
  /// fp32, and `machine` must outlive it.
  CalibrationWalk(const ModelConfig& config, const Graph& graph, std::span<const std::vector<int32_t>> texts,
                  Machine& machine);

  /// Walks once. Throws what the hooks throw.
  void walk(const WalkHooks& hooks);

  /// Tokens of all texts.
  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }

 private:
  void add_text(const ModelConfig& config, std::span<const int32_t> tokens);
  [[nodiscard]] StepInputs inputs() const;
  /// Makes room for the outputs of `node`, and takes its weights.
  void prepare(const Node& node, const WalkHooks& hooks);
  void run_group(const MatmulGroup& group, const WalkHooks& hooks);
  /// Frees what no later node reads.
  void release(size_t node);

  const Graph& graph_;
  Machine& machine_;
  std::vector<MatmulGroup> groups_;
  std::vector<size_t> last_readers_;  ///< by value; the node after which its memory is free
  std::vector<int32_t> ids_;          ///< [tokens]
  std::vector<int32_t> positions_;    ///< [tokens]
  std::vector<int32_t> sequences_;    ///< [tokens]
  std::vector<int32_t> block_table_;  ///< [sequences, 1]
  std::vector<float> frequencies_;    ///< [sequences, head_dim / 2]
  std::vector<int32_t> logit_rows_;   ///< [logit_rows]
  Tensor k_cache_;                    ///< fp32 [sequences, kv_heads, block_size, head_dim], of every layer
  Tensor v_cache_;                    ///< likewise
  std::vector<TensorView> caches_;    ///< 2 * layers
  // Of a walk.
  std::vector<TensorView> views_;  ///< by value
  std::vector<Tensor> buffers_;    ///< by value
};

}  // namespace caravan
