#include "execute/tuning/autotune.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "base/error.h"
#include "base/machine.h"
#include "tensor/buffer.h"

namespace caravan {

namespace {

/// Tokens that stand for each of kTokenRanges: a decode step of few and of many sequences, a mixed step, and
/// a prompt long enough that its blocks repeat.
constexpr std::array<int64_t, kTokenRanges.size()> kTokens = {1, 16, 64, 192};
/// A run should take about a millisecond: less drowns in noise, more keeps a user waiting.
constexpr double kRunOperations = 4e8;
/// Enough weights that a decode step reads them from memory, not from a cache.
constexpr uint64_t kStreamedBytes = uint64_t{64} << 20U;
constexpr int kRounds = 5;
/// A candidate must be faster than the kernel's own choice by more than noise to replace it.
constexpr double kClearly = 0.97;

std::vector<MatmulTiles> candidates(size_t range) {
  std::vector<MatmulTiles> all = {{}};
  const bool streams = kTokens.at(range) <= 16;
  for (const PanelSplit split : {PanelSplit::kShares, PanelSplit::kQueue}) {
    if (!streams && split == PanelSplit::kShares) continue;
    for (const int64_t inputs : {128, 256, 512}) {
      all.push_back({inputs, 0, split});
      if (!streams) all.push_back({inputs, 48, split});
    }
  }
  return all;
}

/// What a matmul of `key` reads, [tokens, in], all zero.
Tensor input_of(const TileKey& key, const QuantizedFormat& format) {
  const int64_t tokens = kTokens.at(key.range);
  if (key.dtype == DType::kI8) return {DType::kU8, {tokens, quantized_row_bytes(key.in)}};
  const DType multiplied = key.dtype == DType::kU8 ? format.order : key.dtype;
  return {multiplied == DType::kBF16 ? DType::kBF16 : DType::kF32, {tokens, key.in}};
}

/// The shape of a weight's first panels.
Shape first_panels(const Shape& weight, int64_t panels) {
  if (weight.rank() == 3) return {panels, weight[1], weight[2]};
  return {panels, weight[1], weight[2], weight[3]};
}

/// A matmul of the model, or of as many of its panels as make a run long enough.
class Trial {
 public:
  Trial(const ConstTensorView& weight, const TileKey& key, const Attributes& attributes)
      : x_(input_of(key, attributes.format)) {
    const auto panel_bytes = weight.bytes() / static_cast<uint64_t>(key.panels);
    const double panel_operations = 2.0 * static_cast<double>(kTokens.at(key.range) * key.in * kPanelOutputs);
    const auto busy = static_cast<int64_t>(kRunOperations / panel_operations) + 1;
    const auto streamed = static_cast<int64_t>(kStreamedBytes / panel_bytes) + 1;
    const int64_t panels = std::min(key.panels, kTokens.at(key.range) <= 16 ? streamed : busy);
    args_.x = x_.view();
    args_.weight = weight;
    args_.weight.shape = first_panels(weight.shape, panels);
    args_.format = attributes.format;
    args_.in = attributes.in;
    y_ = Tensor(DType::kF32, {kTokens.at(key.range), panels * kPanelOutputs});
    args_.y = y_.view();
    check(args_);
  }

  /// Seconds of one run.
  double time(const MatmulTiles& tiles, const KernelTable& kernels, ThreadTeam& team) {
    args_.tiles = tiles;
    const auto run = kernels.packed_linear.at(key_dtype(args_)).run;
    std::atomic<int64_t> tickets{0};
    const double start = seconds_now();
    team.run([&](Lane lane) { run(args_, {lane.index, lane.count, &tickets}); });
    return seconds_now() - start;
  }

 private:
  Tensor x_;
  Tensor y_;
  PackedLinearArgs args_;
};

MatmulTiles best_tiles(Trial& trial, size_t range, const KernelTable& kernels, ThreadTeam& team) {
  const std::vector<MatmulTiles> tiles = candidates(range);
  std::vector<double> fastest(tiles.size(), 1e9);
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < tiles.size(); ++i)
      fastest[i] = std::min(fastest[i], trial.time(tiles[i], kernels, team));
  }
  const auto best = std::min_element(fastest.begin(), fastest.end());
  return *best < kClearly * fastest.front() ? tiles[static_cast<size_t>(best - fastest.begin())]
                                            : tiles.front();
}

/// Calls visit(key, weight, the node's attributes) for each key of the graph once.
template <typename Visit>
void for_each_key(const Graph& graph, const Visit& visit) {
  std::set<TileKey> seen;
  for (const Node& node : graph.nodes) {
    if (node.op != OpKind::kPackedLinear) continue;
    const Value& x = graph.values[static_cast<size_t>(node.inputs[0])];
    const Value& weight = graph.values[static_cast<size_t>(node.inputs[1])];
    for (size_t range = 0; range < kTokenRanges.size(); ++range) {
      const TileKey key = tile_key(weight.dtype, weight.shape.front().constant, x.shape.back().constant,
                                   range, node.attributes.in, node.attributes.format);
      if (seen.insert(key).second) visit(key, static_cast<size_t>(weight.index), node.attributes);
    }
  }
}

}  // namespace

std::vector<TileKey> keys_of(const Graph& graph) {
  std::vector<TileKey> keys;
  for_each_key(graph, [&keys](const TileKey& key, size_t, const Attributes&) { keys.push_back(key); });
  return keys;
}

size_t autotune(const TuningResources& resources, TileTable& table,
                const std::function<void(size_t done, size_t all)>& progress) {
  size_t all = 0;
  for (const TileKey& key : keys_of(resources.graph)) all += !table.contains(key);
  size_t done = 0;
  for_each_key(resources.graph, [&](const TileKey& key, size_t weight, const Attributes& attributes) {
    if (table.contains(key)) return;
    Trial trial(resources.weights[weight], key, attributes);
    table[key] = best_tiles(trial, key.range, resources.kernels, resources.team);
    progress(++done, all);
  });
  return all;
}

}  // namespace caravan
