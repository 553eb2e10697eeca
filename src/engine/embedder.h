// The hidden states that a model's last norm gives, instead of logits: what embeddings are made of.
//
// Runs the engine's own graph up to the matmul that makes logits, over the same weights and cache. Thread
// safety: one step at a time, and not while the engine's executor steps.
#pragma once

#include <span>
#include <vector>

#include "execute/executor.h"

namespace caravan {

/// `graph` with the input of its last matmul for its output.
Graph hidden_graph(const Graph& graph);

class Embedder {
 public:
  /// As for an executor of `resources.graph`, which must outlive it as the other resources must.
  Embedder(const ExecutorResources& resources, const ExecutorOptions& options);

  /// Runs one step and adds the hidden states of its rows to `sum`, [hidden] in double.
  void add_hidden(const StepInputs& inputs, std::vector<double>& sum);

 private:
  Graph graph_;
  Executor executor_;
};

}  // namespace caravan
