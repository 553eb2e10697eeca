#include "quantize/plan.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"
#include "models/llama.h"

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

}  // namespace

std::string module_of(const std::string& matrix) {
  constexpr std::string_view kEnd = ".weight";
  CARAVAN_CHECK(matrix.ends_with(kEnd));
  return matrix.substr(0, matrix.size() - kEnd.size());
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
  QuantizePlan plan;
  plan.graph = record_llama(source.config(), {});
  const auto formats = quantized_matrices(plan.graph, options.scheme, source.dtype());
  std::vector<bool> meant(options.keep.size());
  for (const MatmulGroup& matmuls : matmul_groups(plan.graph)) {
    PlannedGroup group = {matmuls, {}};
    for (const size_t n : matmuls.nodes) {
      const Node& node = plan.graph.nodes[n];
      PlannedMatrix matrix;
      matrix.spec = weight_of(plan.graph, node.inputs[1]);
      matrix.stored = matrix.spec.sources.front().names.front();
      matrix.name = node.outputs.front() == plan.graph.output ? kHead : matrix.stored;
      if (node.inputs.size() > 2) matrix.bias = node.inputs[2];
      const auto format = formats.find(matrix.stored);
      if (!is_kept(matrix.name, options.keep, meant) && format != formats.end())
        matrix.format = format->second;
      group.matrices.push_back(std::move(matrix));
    }
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
