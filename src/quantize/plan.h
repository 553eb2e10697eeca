// Which matrices of a model become which numbers: its graph, its groups of matmuls, and the format of each.
// Thread safety: a value type.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "quantize/calibration_walk.h"
#include "quantize/options.h"
#include "quantize/source.h"

namespace caravan {

struct PlannedMatrix {
  std::string stored;  ///< the first of the names under which the source may have it
  std::string name;    ///< "lm_head.weight" for a head that is the embedding, too; else as `stored`
  WeightSpec spec;
  ValueId bias = -1;                      ///< of the graph; -1 for none
  std::optional<QuantizedFormat> format;  ///< nothing: stays as it is
};

struct PlannedGroup {
  MatmulGroup matmuls;
  std::vector<PlannedMatrix> matrices;  ///< of each expert in turn, by MatmulGroup::nodes

  /// The matrices of one expert, as a group.
  [[nodiscard]] PlannedGroup of_expert(int64_t expert) const;
  /// Whether all of it is quantised.
  [[nodiscard]] bool is_quantized() const;
};

struct QuantizePlan {
  Graph graph;  ///< recorded in fp32
  std::vector<PlannedGroup> groups;

  [[nodiscard]] size_t matrices() const;
  /// The plan with the matrices of these names as they are.
  [[nodiscard]] QuantizePlan without(const std::set<std::string>& names) const;
};

/// "model.layers.0.mlp.up_proj" of "model.layers.0.mlp.up_proj.weight".
std::string module_of(const std::string& matrix);

/// Throws Error, naming the tensor, where groups do not divide its inputs; naming the pattern where --keep
/// means no matrix; where it means only some experts of a layer; and on static activations of experts.
QuantizePlan plan_quantization(const SourceCheckpoint& source, const QuantizeOptions& options);

}  // namespace caravan
