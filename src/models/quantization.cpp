#include "models/quantization.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"

namespace caravan {

namespace {

/// Of 4 bits where nothing else is asked for: llm-compressor's and AWQ's default.
constexpr int64_t kDefaultGroup = 128;

/// Whether the matmul makes what experts are chosen or weighed by: a few rows, whose rounding would send
/// tokens to other experts.
bool is_router(const Graph& graph, const Uses& uses, const Node& node) {
  const ValueId made = node.outputs.front();
  const std::vector<size_t>& readers = uses.readers(made);
  return std::any_of(readers.begin(), readers.end(), [&](size_t reader) {
    const Node& read_by = graph.nodes[reader];
    return read_by.op == OpKind::kRouteExperts ||
           (read_by.op == OpKind::kCombineExperts && read_by.inputs.back() == made);
  });
}

}  // namespace

std::string_view name_of(const LoadQuantization& scheme) {
  const bool rows = scheme.rows.mode != ActivationQuant::kNone;
  if (scheme.weight.bits == 8) return rows ? "w8a8" : "w8a16";
  return rows ? "w4a8" : "w4a16";
}

std::optional<LoadQuantization> quantization_from_name(std::string_view name) {
  LoadQuantization scheme;
  if (name != "w8a8" && name != "w8a16" && name != "w4a8" && name != "w4a16") return std::nullopt;
  if (name.starts_with("w4")) scheme.weight = {.bits = 4, .group = kDefaultGroup};
  if (name.ends_with("a8")) scheme.rows.mode = ActivationQuant::kPerToken;
  return scheme;
}

std::string format_text(const QuantizedFormat& format) {
  std::string text(name_of({format.weight, format.rows}));
  text += format.weight.group == 0 ? ", per channel" : ", groups of " + std::to_string(format.weight.group);
  if (format.weight.zero_points) text += ", zero points";
  if (format.weight.minimums) text += ", minimums";
  if (format.weight.block != 0) text += ", in blocks of " + std::to_string(format.weight.block);
  if (format.rows.mode == ActivationQuant::kStatic) text += ", static activations";
  if (format.row_kept != 0) text += ", sparse";
  return text;
}

std::string scheme_name(const std::map<std::string, QuantizedFormat>& formats) {
  std::map<std::string, int64_t> counts;
  for (const auto& [name, format] : formats) {
    const std::string_view scheme = name_of({.weight = format.weight, .rows = format.rows});
    ++counts[std::string(scheme) + (format.row_kept == 0 ? "" : " sparse")];
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->first;
}

std::map<std::string, QuantizedFormat> quantized_matrices(const Graph& graph, const LoadQuantization& scheme,
                                                          DType dtype) {
  std::map<std::string, QuantizedFormat> formats;
  const Uses uses(graph);
  for (const Node& node : graph.nodes) {
    if (node.op != OpKind::kLinear && node.op != OpKind::kGroupedLinear) continue;
    if (is_router(graph, uses, node)) continue;
    const WeightSpec& spec = weight_of(graph, node.inputs[1]);
    const std::string& name = spec.sources.front().names.front();
    const bool is_head = node.outputs.front() == graph.output;
    if (is_head && !scheme.head) continue;
    QuantizedFormat format = {scheme.weight, scheme.rows, dtype, dtype};
    if (is_head) format.weight = {};
    if (format.rows.mode != ActivationQuant::kNone) {
      format.order = DType::kI8;
      format.scale = DType::kF32;
    }
    if (format.weight.group != 0 && spec.width % format.weight.group != 0) {
      fail(in_quotes(name), " has ", spec.width, " inputs, which groups of ", format.weight.group,
           " do not divide: expected another --group-size or scheme");
    }
    if (format.rows.mode != ActivationQuant::kNone && !takes_quantized_rows(format.weight)) {
      fail("--group-size: found ", format.weight.group, " for ", name_of(scheme),
           ", expected a multiple of 4");
    }
    if (format.rows.mode != ActivationQuant::kNone && spec.width > kMaxQuantizedInputs) {
      fail(in_quotes(name), " has ", spec.width, " inputs, expected at most ", kMaxQuantizedInputs, " for ",
           name_of(scheme), ", whose sums are kept in 32 bits");
    }
    if (scheme.sparsity != Sparsity::kNone) {
      CARAVAN_CHECK(can_be_sparse(format));
      format.row_kept = kept_inputs(spec.width, scheme.sparsity);
    }
    for (const WeightSource& source : spec.sources) formats[source.names.front()] = format;
  }
  return formats;
}

}  // namespace caravan
