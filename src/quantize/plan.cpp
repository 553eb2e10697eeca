#include "quantize/plan.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"
#include "models/record.h"

namespace caravan {

namespace {

constexpr const char* kHead = "lm_head.weight";

/// Whether a pattern of --keep means the matrix; each that does is marked.
bool is_kept(const std::string& name, const std::vector<ModulePattern>& keep, std::vector<bool>& meant) {
  const std::string module = module_of(name);
  bool kept = false;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i].matches(module)) continue;
    meant[i] = true;
    kept = true;
  }
  return kept;
}

/// The matrix that `node` multiplies by, of the expert that is asked for.
PlannedMatrix matrix_of(const Graph& graph, const Node& node, int64_t expert) {
  PlannedMatrix matrix;
  const WeightSpec& spec = weight_of(graph, node.inputs[1]);
  matrix.spec = {{spec.sources[static_cast<size_t>(expert)]}, spec.width, spec.dtype, WeightLayout::kRows};
  matrix.stored = matrix.spec.sources.front().names.front();
  matrix.name = node.outputs.front() == graph.output ? kHead : matrix.stored;
  if (node.op == OpKind::kLinear && node.inputs.size() > 2) matrix.bias = node.inputs[2];
  return matrix;
}

/// The experts of a layer are one matmul where they run.
void require_experts_alike(const PlannedGroup& group) {
  for (size_t i = group.matmuls.nodes.size(); i < group.matrices.size(); ++i) {
    const PlannedMatrix& first = group.matrices[i % group.matmuls.nodes.size()];
    const PlannedMatrix& matrix = group.matrices[i];
    if (matrix.format == first.format) continue;
    fail("--keep: means ", matrix.format ? first.name : matrix.name, " and not ",
         matrix.format ? matrix.name : first.name, ", expected all experts of a layer or none");
  }
}

}  // namespace

std::string module_of(const std::string& matrix) {
  constexpr std::string_view kEnd = ".weight";
  CARAVAN_CHECK(matrix.ends_with(kEnd));
  return matrix.substr(0, matrix.size() - kEnd.size());
}

PlannedGroup PlannedGroup::of_expert(int64_t expert) const {
  const auto count = static_cast<std::ptrdiff_t>(matmuls.nodes.size());
  const auto first = matrices.begin() + expert * count;
  return {matmuls, {first, first + count}};
}

bool PlannedGroup::is_quantized() const {
  return std::all_of(matrices.begin(), matrices.end(),
                     [](const PlannedMatrix& matrix) { return matrix.format.has_value(); });
}

size_t QuantizePlan::matrices() const {
  size_t count = 0;
  for (const PlannedGroup& group : groups) count += group.matrices.size();
  return count;
}

QuantizePlan QuantizePlan::without(const std::set<std::string>& names) const {
  QuantizePlan plan = *this;
  for (PlannedGroup& group : plan.groups) {
    for (PlannedMatrix& matrix : group.matrices)
      if (names.contains(matrix.name)) matrix.format.reset();
  }
  return plan;
}

QuantizePlan plan_quantization(const SourceCheckpoint& source, const QuantizeOptions& options) {
  if (source.config().mixture && options.scheme.rows.mode == ActivationQuant::kStatic) {
    fail("--act: found static for a ", source.config().architecture,
         ", whose experts share one input, expected dynamic");
  }
  QuantizePlan plan;
  plan.graph = record_model(source.config(), {});
  const auto formats = quantized_matrices(plan.graph, options.scheme, source.dtype());
  std::vector<bool> meant(options.keep.size());
  for (const MatmulGroup& matmuls : matmul_groups(plan.graph)) {
    PlannedGroup group = {matmuls, {}};
    for (int64_t expert = 0; expert < matmuls.experts; ++expert) {
      for (const size_t n : matmuls.nodes) {
        PlannedMatrix matrix = matrix_of(plan.graph, plan.graph.nodes[n], expert);
        const auto format = formats.find(matrix.stored);
        if (!is_kept(matrix.name, options.keep, meant) && format != formats.end())
          matrix.format = format->second;
        group.matrices.push_back(std::move(matrix));
      }
    }
    require_experts_alike(group);
    plan.groups.push_back(std::move(group));
  }
  for (size_t i = 0; i < meant.size(); ++i) {
    if (meant[i]) continue;
    fail("--keep: ", in_quotes(options.keep[i].text()), " means no matrix of ", source.folder().string(),
         ", expected a name such as ", module_of(plan.groups.front().matrices.front().name),
         ", or re: and a regular expression");
  }
  return plan;
}

}  // namespace caravan
