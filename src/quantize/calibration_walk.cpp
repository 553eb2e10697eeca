#include "quantize/calibration_walk.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.h"
#include "base/machine.h"
#include "graph/edit.h"
#include "kernels/select.h"
#include "models/rope.h"

namespace caravan {

namespace {

/// Blocks of the cache are of multiples of 16 slots (ops/attention.h).
constexpr int64_t kBlockStep = 16;
/// The inputs of the head that a calibration looks at, spread over the texts: all of them times a large
/// vocabulary would be gigabytes of logits.
constexpr int64_t kMaxLogitRows = 512;

/// Of what the graph's caller reads, which is never freed.
constexpr size_t kNever = SIZE_MAX;

/// As the builder records them without quantisation.
bool is_matmul(const Node& node) { return node.op == OpKind::kLinear || node.op == OpKind::kGroupedLinear; }

}  // namespace

Machine::Machine()
    : Machine(select_kernels(choose_level(std::getenv("CARAVAN_ISA"), cpu_features())), usable_cpus()) {}

void Machine::run(const OpArgs& args) {
  check(args);
  team.run([&](Lane lane) { run_lane(args, kernels, lane); });
}

Tensor Machine::multiply(const ConstTensorView& x, const ConstTensorView& weight,
                         const ConstTensorView& bias) {
  Tensor y(DType::kF32, {x.shape[0], weight.shape[0]});
  run(LinearArgs{x, weight, bias, y.view()});
  return y;
}

std::vector<MatmulGroup> matmul_groups(const Graph& graph) {
  std::vector<MatmulGroup> groups;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!is_matmul(node)) continue;
    if (groups.empty() || groups.back().input != node.inputs.front())
      groups.push_back({node.inputs.front(), {}, weight_of(graph, node.inputs[1]).experts});
    groups.back().nodes.push_back(n);
  }
  return groups;
}

std::vector<Tensor> outputs_by_expert(
    const ConstTensorView& x, ExpertOffsets offsets,
    const std::function<std::vector<Tensor>(int64_t expert, const ConstTensorView& rows)>& multiply) {
  const auto experts = static_cast<int64_t>(offsets.size()) - 1;
  if (experts == 1) return multiply(0, x);
  std::vector<Tensor> all;
  for (int64_t expert = 0; expert < experts; ++expert) {
    const int64_t first = offsets[static_cast<size_t>(expert)];
    const int64_t count = offsets[static_cast<size_t>(expert) + 1] - first;
    const std::vector<Tensor> some = multiply(expert, outer_part(x, first, count));
    for (size_t i = 0; i < some.size(); ++i) {
      const int64_t out = some[i].shape()[1];
      if (all.size() == i) all.emplace_back(DType::kF32, Shape{x.shape[0], out});
      std::copy_n(some[i].as<float>(), count * out, all[i].as<float>() + first * out);
    }
  }
  return all;
}

CalibrationWalk::CalibrationWalk(const ModelConfig& config, const Graph& graph,
                                 std::span<const std::vector<int32_t>> texts, Machine& machine)
    : graph_(graph), machine_(machine), groups_(matmul_groups(graph)), last_readers_(graph.values.size(), 0) {
  size_t longest = 1;
  for (const std::vector<int32_t>& text : texts) {
    CARAVAN_CHECK(!text.empty() && static_cast<int64_t>(text.size()) <= config.max_position);
    longest = std::max(longest, text.size());
    add_text(config, text);
  }
  const int64_t step = (tokens() + kMaxLogitRows - 1) / kMaxLogitRows;
  for (int64_t row = step - 1; row < tokens(); row += step) logit_rows_.push_back(static_cast<int32_t>(row));
  const int64_t slots = (static_cast<int64_t>(longest) + kBlockStep - 1) / kBlockStep * kBlockStep;
  const Shape cache = {static_cast<int64_t>(texts.size()), config.num_kv_heads, slots, config.head_dim};
  k_cache_ = Tensor(DType::kF32, cache);
  v_cache_ = Tensor(DType::kF32, cache);
  for (int32_t layer = 0; layer < graph.num_layers; ++layer) {
    caches_.push_back(k_cache_.view());
    caches_.push_back(v_cache_.view());
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId input : graph.nodes[n].inputs) last_readers_[static_cast<size_t>(input)] = n;
  }
  last_readers_[static_cast<size_t>(graph.output)] = kNever;
}

void CalibrationWalk::add_text(const ModelConfig& config, std::span<const int32_t> text) {
  const auto sequence = static_cast<int32_t>(block_table_.size());
  for (size_t i = 0; i < text.size(); ++i) {
    ids_.push_back(text[i]);
    positions_.push_back(static_cast<int32_t>(i));
    sequences_.push_back(sequence);
  }
  block_table_.push_back(sequence);
  const std::vector<float> angles =
      rope_frequencies(config.rope, config.head_dim, static_cast<int64_t>(text.size()));
  frequencies_.insert(frequencies_.end(), angles.begin(), angles.end());
}

StepInputs CalibrationWalk::inputs() const {
  StepInputs inputs;
  const auto set = [&inputs](InputKind kind, const void* data, DType dtype, const Shape& shape) {
    inputs.at(static_cast<size_t>(kind)) = ConstTensorView(data, dtype, shape);
  };
  const auto sequences = static_cast<int64_t>(block_table_.size());
  set(InputKind::kTokenIds, ids_.data(), DType::kI32, {tokens()});
  set(InputKind::kPositions, positions_.data(), DType::kI32, {tokens()});
  set(InputKind::kSequences, sequences_.data(), DType::kI32, {tokens()});
  set(InputKind::kBlockTable, block_table_.data(), DType::kI32, {sequences, 1});
  set(InputKind::kRopeFrequencies, frequencies_.data(), DType::kF32,
      {sequences, static_cast<int64_t>(frequencies_.size()) / sequences});
  set(InputKind::kLogitRows, logit_rows_.data(), DType::kI32, {static_cast<int64_t>(logit_rows_.size())});
  return inputs;
}

void CalibrationWalk::prepare(const Node& node, const WalkHooks& hooks) {
  for (const ValueId input : node.inputs) {
    const auto id = static_cast<size_t>(input);
    const Value& value = graph_.values[id];
    if (value.kind != ValueKind::kWeight) continue;
    buffers_[id] = hooks.weight(graph_.weights[static_cast<size_t>(value.index)]);
    views_[id] = buffers_[id].view();
  }
}

void CalibrationWalk::run_group(const MatmulGroup& group, const WalkHooks& hooks) {
  const ConstTensorView x = views_[static_cast<size_t>(group.input)];
  const Node& first = graph_.nodes[group.nodes.front()];
  const std::array<int32_t, 2> all_rows = {0, static_cast<int32_t>(x.shape[0])};
  ExpertOffsets offsets = all_rows;
  if (first.op == OpKind::kGroupedLinear) {
    const TensorView& of_experts = views_[static_cast<size_t>(first.inputs[2])];
    offsets = {of_experts.as<int32_t>(), static_cast<size_t>(of_experts.shape[0])};
  }
  std::vector<Tensor> outputs = hooks.multiply(group, x, offsets);
  CARAVAN_CHECK_EQ(outputs.size(), group.nodes.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto id = static_cast<size_t>(graph_.nodes[group.nodes[i]].outputs.front());
    buffers_[id] = std::move(outputs[i]);
    views_[id] = buffers_[id].view();
  }
}

void CalibrationWalk::release(size_t node) {
  for (const ValueId input : graph_.nodes[node].inputs) {
    const auto id = static_cast<size_t>(input);
    // A tied embedding is asked for anew by the head.
    const bool is_weight = graph_.values[id].kind == ValueKind::kWeight;
    if (is_weight || last_readers_[id] <= node) buffers_[id] = Tensor();
  }
}

void CalibrationWalk::walk(const WalkHooks& hooks) {
  const std::vector<ConstTensorView> no_weights(graph_.weights.size());
  const StepTensors step = {inputs(), no_weights, caches_};
  const SymbolSizes sizes(step);
  views_ = given_views(graph_, step);
  buffers_.clear();
  buffers_.resize(graph_.values.size());
  auto group = groups_.begin();
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (is_matmul(node)) {
      if (group != groups_.end() && group->nodes.front() == n) run_group(*group++, hooks);
      release(n);
      continue;
    }
    prepare(node, hooks);
    for (const ValueId output : node.outputs) {
      const auto id = static_cast<size_t>(output);
      buffers_[id] = Tensor(graph_.values[id].dtype, sizes.resolve(graph_.values[id].shape));
      views_[id] = buffers_[id].view();
    }
    if (node.op == OpKind::kKvWrite && hooks.cached) {
      const Value& cache = graph_.values[static_cast<size_t>(node.inputs[5])];
      hooks.cached(cache.index / 2, views_[static_cast<size_t>(node.inputs[0])],
                   views_[static_cast<size_t>(node.inputs[1])]);
    }
    machine_.run(caravan::bind(node, views_));
    release(n);
  }
  buffers_.clear();
}

}  // namespace caravan
