// A model that is ready to run: its config, its recorded graph, and the weights that the graph reads.
// Invariants: weights[i] is graph.weights[i], and lives as long as the model. Thread safety: constant once
// loaded.
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "checkpoint/weight_store.h"
#include "graph/builder.h"
#include "graph/passes/passes.h"
#include "models/config.h"
#include "models/load_options.h"

namespace caravan {

/// Whoever wanted the model wants it no longer: LoadOptions::stop said so. No mistake of anybody's.
class LoadStopped : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "loading was stopped"; }
};

struct Model {
  ModelConfig config;
  DType dtype = DType::kF32;     ///< of the weights
  DType kv_dtype = DType::kF32;  ///< of the KV cache
  Graph graph;
  WeightStore store;
  std::vector<ConstTensorView> weights;  ///< by Graph::weights
  std::vector<PassReport> passes;        ///< what each pass did; empty if none ran

  /// Bytes of all weights that a step reads.
  [[nodiscard]] uint64_t weight_bytes() const;
};

/// Loads the checkpoint that `model_path` names, a folder or a GGUF file. Throws Error on everything that can
/// be wrong with its files, and on a weight in them that no part of the model reads (known leftovers aside),
/// because that means a mapping is wrong. Throws LoadStopped where it is asked to stop.
Model load_model(const std::filesystem::path& model_path, const LoadOptions& options);

}  // namespace caravan
