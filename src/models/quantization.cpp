#include "models/quantization.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"

namespace caravan {

namespace {

/// Of W4A16 where nothing else is asked for: llm-compressor's and AWQ's default.
constexpr int64_t kDefaultGroup = 128;

}  // namespace

std::string_view name_of(const LoadQuantization& scheme) {
  if (scheme.rows.mode != ActivationQuant::kNone) return "w8a8";
  return scheme.weight.bits == 8 ? "w8a16" : "w4a16";
}

std::optional<LoadQuantization> quantization_from_name(std::string_view name) {
  LoadQuantization scheme;
  if (name == "w8a8") {
    scheme.rows.mode = ActivationQuant::kPerToken;
  } else if (name == "w4a16") {
    scheme.weight = {.bits = 4, .group = kDefaultGroup};
  } else if (name != "w8a16") {
    return std::nullopt;
  }
  return scheme;
}

std::string format_text(const QuantizedFormat& format) {
  std::string text(name_of({format.weight, format.rows}));
  text += format.weight.group == 0 ? ", per channel" : ", groups of " + std::to_string(format.weight.group);
  if (format.weight.zero_points) text += ", zero points";
  if (format.rows.mode == ActivationQuant::kStatic) text += ", static activations";
  return text;
}

std::string scheme_name(const std::map<std::string, QuantizedFormat>& formats) {
  std::map<std::string_view, int64_t> counts;
  for (const auto& [name, format] : formats) ++counts[name_of({format.weight, format.rows})];
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::string(most->first);
}

std::map<std::string, QuantizedFormat> quantized_matrices(const Graph& graph, const LoadQuantization& scheme,
                                                          DType dtype) {
  std::map<std::string, QuantizedFormat> formats;
  for (const Node& node : graph.nodes) {
    if (node.op != OpKind::kLinear) continue;
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
    if (format.rows.mode != ActivationQuant::kNone && spec.width > kMaxQuantizedInputs) {
      fail(in_quotes(name), " has ", spec.width, " inputs, expected at most ", kMaxQuantizedInputs,
           " for w8a8, whose sums are kept in 32 bits");
    }
    formats[name] = format;
  }
  return formats;
}

}  // namespace caravan
