#include "graph/passes/passes.h"

#include <array>

namespace caravan {

std::span<const Pass> passes() {
  static constexpr std::array<Pass, 9> kPasses = {{
      {"take_rows_early", "compute only the rows whose logits are wanted, as early as possible",
       take_rows_early},
      {"fuse_rope_and_kv_write", "rotate q and k and store k and v in one op", fuse_rope_and_kv_write},
      {"merge_qkv", "make q, k and v with one matmul", merge_qkv},
      {"fuse_swiglu", "make gate and up with one matmul, and silu(gate) * up in its epilogue", fuse_swiglu},
      {"pack_linears", "lay weights out in the panels that the matmul kernels stream", pack_linears},
      {"fuse_residual", "add the residual in the epilogue of the matmul before it", fuse_residual},
      {"fuse_add_norm", "add and norm what is added in one op, where no matmul adds it", fuse_add_norm},
      {"fuse_norm_and_quantize", "quantise a norm's output in the norm", fuse_norm_and_quantize},
      {"remove_dead", "remove nodes and weights that nothing reads", remove_dead},
  }};
  return kPasses;
}

std::vector<PassReport> run_passes(Graph& graph) {
  std::vector<PassReport> reports;
  for (const Pass& pass : passes()) {
    const size_t before = graph.nodes.size();
    const int64_t changes = pass.run(graph);
    reports.push_back({&pass, changes, before, graph.nodes.size()});
  }
  return reports;
}

}  // namespace caravan
