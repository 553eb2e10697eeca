#include "quantize/quantize_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "graph/edit.h"
#include "quantize/fall_back.h"

namespace caravan {

namespace {

/// Takes the scales of an attention's keys and values.
using KvSink = std::function<void(const std::string& attention, const StoredKvScales& scales)>;

void stop_if_asked(const QuantizeJob& job) {
  if (job.stop.stop_requested()) throw QuantizeStopped();
}

/// The weight in fp32, if it is still wanted.
Tensor read_weight_of(const QuantizeJob& job, const WeightSpec& spec) {
  stop_if_asked(job);
  return job.source.read(job.source.find(spec));
}

/// A model on its way through its groups.
class Pass {
 public:
  Pass(const QuantizeJob& job, const QuantizePlan& plan, const Smoothing& smoothing, std::string what)
      : job_(job), plan_(plan), smoothing_(smoothing), what_(std::move(what)) {}

  /// Walks over the texts, or where there are none over the groups alone.
  std::vector<MatrixResult> run(const MatrixSink& sink, const KvSink& kv_sink, CalibrationWalk* walk,
                                Machine* machine) {
    const GroupQuantizer quantizer(job_.source, job_.options, smoothing_, machine);
    if (walk == nullptr) {
      for (; group_ < plan_.groups.size(); ++group_) {
        report();
        add(quantizer.quantize(plan_.groups[group_], sink));
      }
      return std::move(results_);
    }
    WalkHooks hooks;
    hooks.weight = [this](const WeightSpec& spec) { return read(spec); };
    hooks.multiply = [&](const MatmulGroup&, const ConstTensorView& x, ExpertOffsets offsets) {
      report();
      const PlannedGroup& group = plan_.groups[group_++];
      return outputs_by_expert(x, offsets, [&](int64_t expert, const ConstTensorView& rows) {
        std::vector<Tensor> outputs;
        const PlannedGroup part = group.of_expert(expert);
        // What the text sends no token to is quantised by its weights alone.
        add(rows.shape[0] == 0 ? quantizer.quantize(part, sink)
                               : quantizer.quantize(part, biases_of(part), rows, sink, outputs));
        return outputs;
      });
    };
    if (kv_sink) {
      hooks.cached = [&](int32_t layer, const ConstTensorView& k, const ConstTensorView& v) {
        kv_sink("model.layers." + std::to_string(layer) + ".self_attn", {scales_of(k), scales_of(v), {}});
      };
    }
    walk->walk(hooks);
    return std::move(results_);
  }

 private:
  void report() const {
    stop_if_asked(job_);
    job_.progress(what_ + " " + std::to_string(group_ + 1) + " of " + std::to_string(plan_.groups.size()) +
                  ": " + plan_.groups[group_].matrices.front().name);
  }

  void add(const std::vector<MatrixResult>& results) {
    results_.insert(results_.end(), results.begin(), results.end());
  }

  [[nodiscard]] Tensor read(const WeightSpec& spec) const {
    Tensor tensor = read_weight_of(job_, spec);
    smoothing_.apply(spec.sources.front().names.front(), tensor.view());
    return tensor;
  }

  [[nodiscard]] std::vector<Tensor> biases_of(const PlannedGroup& group) const {
    std::vector<Tensor> biases;
    for (const PlannedMatrix& matrix : group.matrices)
      biases.push_back(matrix.bias < 0 ? Tensor() : read(weight_of(plan_.graph, matrix.bias)));
    return biases;
  }

  /// Of each head: its largest magnitude over the largest number; 1 for a head that is always 0.
  [[nodiscard]] std::vector<float> scales_of(const ConstTensorView& rows) const {
    const std::vector<float> magnitudes = column_magnitudes(rows);
    const auto width = static_cast<std::ptrdiff_t>(job_.source.config().head_dim);
    std::vector<float> scales;
    for (auto head = magnitudes.begin(); head != magnitudes.end(); head += width) {
      const float scale = *std::max_element(head, head + width) / kLargestInt8;
      scales.push_back(scale > 0.0F ? scale : 1.0F);
    }
    return scales;
  }

  const QuantizeJob& job_;
  const QuantizePlan& plan_;
  const Smoothing& smoothing_;
  std::string what_;
  size_t group_ = 0;
  std::vector<MatrixResult> results_;
};

/// With every matrix as it is.
Magnitudes magnitudes_of(const QuantizeJob& job, const QuantizePlan& plan, CalibrationWalk& walk,
                         Machine& machine) {
  Magnitudes magnitudes;
  const auto read = [&job](const WeightSpec& spec) { return read_weight_of(job, spec); };
  WalkHooks hooks;
  hooks.weight = read;
  hooks.multiply = [&](const MatmulGroup&, const ConstTensorView& x, ExpertOffsets offsets) {
    const PlannedGroup& group = plan.groups[magnitudes.inputs.size()];
    job.progress("measuring " + std::to_string(magnitudes.inputs.size() + 1) + " of " +
                 std::to_string(plan.groups.size()));
    magnitudes.inputs.push_back(column_magnitudes(x));
    std::vector<float> most(magnitudes.inputs.back().size());
    std::vector<Tensor> all = outputs_by_expert(x, offsets, [&](int64_t expert, const ConstTensorView& rows) {
      std::vector<Tensor> outputs;
      for (const PlannedMatrix& matrix : group.of_expert(expert).matrices) {
        const Tensor weights = read(matrix.spec);
        const std::vector<float> columns = column_magnitudes(weights.view());
        for (size_t i = 0; i < most.size(); ++i) most[i] = std::max(most[i], columns[i]);
        const Tensor bias = matrix.bias < 0 ? Tensor() : read(weight_of(plan.graph, matrix.bias));
        outputs.push_back(machine.multiply(rows, weights.view(), bias.view()));
      }
      return outputs;
    });
    magnitudes.weights.push_back(std::move(most));
    return all;
  };
  walk.walk(hooks);
  return magnitudes;
}

/// All tensors of the source that were not written as numbers. Norms and biases that smoothing changed are
/// fp32, so that their product with the weights is the old one to fp32's rounding.
void write_plain(const QuantizeJob& job, const QuantizePlan& plan, const Smoothing& smoothing,
                 QuantizedFolderWriter& writer) {
  const SourceCheckpoint& source = job.source;
  std::set<std::string> written;
  const PlannedMatrix& head = plan.groups.back().matrices.back();
  if (head.format && head.stored != head.name && !source.tensors().contains(head.stored)) {
    // Some checkpoints store a table that is embedding and head under the head's name.
    StoredWeight table = source.find(head.spec);
    table.name = head.stored;
    writer.add_plain(table);
  }
  for (const PlannedGroup& group : plan.groups) {
    for (const PlannedMatrix& matrix : group.matrices)
      if (matrix.format) written.insert(matrix.name);
  }
  for (const auto& [name, weight] : source.tensors()) {
    if (written.contains(name)) continue;
    stop_if_asked(job);
    if (!smoothing.rows.contains(name)) {
      writer.add_plain(weight);
      continue;
    }
    const Tensor tensor = source.read(weight);
    smoothing.apply(name, tensor.view());
    writer.add_plain(name, tensor.view());
  }
}

/// The config of what was written: a head in numbers of its own is no longer the embedding.
Json config_of(const SourceCheckpoint& source, const QuantizePlan& plan) {
  Json config = source.config_json();
  const PlannedMatrix& head = plan.groups.back().matrices.back();
  if (source.config().tie_word_embeddings && head.format) config["tie_word_embeddings"] = false;
  return config;
}

}  // namespace

std::vector<MatrixResult> quantize_checkpoint(const QuantizeJob& job, QuantizedFolderWriter& writer) {
  const QuantizeOptions& options = job.options;
  QuantizePlan plan = plan_quantization(job.source, options);
  CARAVAN_CHECK_EQ(options.needs_text(), !job.texts.empty());
  std::optional<Machine> machine;
  std::optional<CalibrationWalk> walk;
  std::optional<Magnitudes> magnitudes;
  if (options.needs_text()) {
    machine.emplace();
    walk.emplace(job.source.config(), plan.graph, job.texts, *machine);
  }
  if (options.smooth) magnitudes = magnitudes_of(job, plan, *walk, *machine);
  const auto smoothed = [&] {
    return magnitudes ? smoothing_of(plan, *magnitudes, *options.smooth) : Smoothing{};
  };
  CalibrationWalk* const walks = walk ? &*walk : nullptr;
  Machine* const multiplies = machine ? &*machine : nullptr;
  if (options.max_error) {
    const Smoothing smoothing = smoothed();
    const auto drop = [&job](const QuantizedWeight&) { stop_if_asked(job); };
    plan = plan.without(too_sensitive(
        plan, Pass(job, plan, smoothing, "trying").run(drop, {}, walks, multiplies), *options.max_error));
  }
  const Smoothing smoothing = smoothed();
  KvSink kv_sink;
  if (options.kv_cache == KvCacheChoice::kStatic) {
    kv_sink = [&writer](const std::string& attention, const StoredKvScales& scales) {
      writer.add_kv_scales(attention, scales);
    };
  }
  if (options.kv_cache == KvCacheChoice::kDynamic) writer.set_dynamic_kv_cache();
  const auto sink = [&job, &writer](const QuantizedWeight& weight) {
    stop_if_asked(job);
    writer.add_quantized(weight);
  };
  std::vector<MatrixResult> results =
      Pass(job, plan, smoothing, "quantising").run(sink, kv_sink, walks, multiplies);
  job.progress("writing what stays as it is");
  write_plain(job, plan, smoothing, writer);
  writer.copy_texts(job.source.folder());
  writer.finish(config_of(job.source, plan));
  return results;
}

}  // namespace caravan
