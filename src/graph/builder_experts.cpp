// The part of the builder that records mixtures of experts.
#include <algorithm>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/edit.h"

namespace caravan {

Routing GraphBuilder::route(ValueId logits, int64_t chosen, bool renormalize) {
  const int64_t experts = width_of(logits);
  CARAVAN_CHECK(chosen >= 1 && chosen <= experts);
  const SymbolicShape by_token = rows_by(logits, chosen);
  const auto made = [this](OpKind op, DType dtype, const SymbolicShape& shape) {
    return add_value(graph_, {ValueKind::kIntermediate, 0, std::string(name_of(op)), dtype, shape});
  };
  const ValueId ids = made(OpKind::kRouteExperts, DType::kI32, by_token);
  Routing routing;
  routing.experts = experts;
  routing.weights = made(OpKind::kRouteExperts, DType::kF32, by_token);
  graph_.nodes.push_back({OpKind::kRouteExperts,
                          {logits, input(InputKind::kSequences)},
                          {ids, routing.weights},
                          {.renormalize = renormalize}});
  Dim rows = by_token.front();
  rows.times = chosen;
  routing.offsets = made(OpKind::kGroupRows, DType::kI32, {fixed(experts + 1)});
  routing.rows = made(OpKind::kGroupRows, DType::kI32, {rows});
  routing.places = made(OpKind::kGroupRows, DType::kI32, by_token);
  graph_.nodes.push_back({OpKind::kGroupRows, {ids}, {routing.offsets, routing.rows, routing.places}});
  return routing;
}

std::optional<QuantizedFormat> GraphBuilder::format_of(const ExpertNames& names, int64_t experts) const {
  const auto format_of_expert = [&](int64_t expert) -> std::optional<QuantizedFormat> {
    const auto found = precision_.quantized.find(names.of(expert));
    return found == precision_.quantized.end() ? std::nullopt : std::optional(found->second);
  };
  std::optional<QuantizedFormat> common = format_of_expert(0);
  for (int64_t expert = 1; expert < experts; ++expert) {
    const std::optional<QuantizedFormat> format = format_of_expert(expert);
    if (!common && !format) continue;
    common = common && format ? common_format(*common, *format) : std::nullopt;
    if (common) continue;
    fail(in_quotes(names.of(expert)), " is quantised otherwise than ", in_quotes(names.of(0)),
         ", expected the experts of a layer to be quantised alike, with inputs scaled alike");
  }
  return common;
}

ValueId GraphBuilder::group_rows(ValueId x, const Routing& routing) {
  const std::vector<ValueId> inputs = {x, routing.rows};
  for (const Node& node : graph_.nodes)
    if (node.op == OpKind::kTakeRows && node.inputs == inputs) return node.outputs.front();
  const Value& rows = graph_.values.at(static_cast<size_t>(routing.rows));
  const SymbolicShape shape = {rows.shape.front(), fixed(width_of(x))};
  return add_node(OpKind::kTakeRows, inputs, graph_.values.at(static_cast<size_t>(x)).dtype, shape);
}

ValueId GraphBuilder::expert_linear(ValueId x, const ExpertNames& names, int64_t out,
                                    const Routing& routing) {
  const int64_t in = width_of(x);
  const std::optional<QuantizedFormat> format = format_of(names, routing.experts);
  // Before the rows are grouped, which repeats each for every expert that it goes to.
  if (format && format->rows.mode != ActivationQuant::kNone) x = quantize_rows(x, format->rows);
  return add_grouped_linear(group_rows(x, routing), in, names, out, routing);
}

ValueId GraphBuilder::grouped_linear(ValueId grouped, const ExpertNames& names, int64_t out,
                                     const Routing& routing) {
  const int64_t in = width_of(grouped);
  const std::optional<QuantizedFormat> format = format_of(names, routing.experts);
  if (format && format->rows.mode != ActivationQuant::kNone) grouped = quantize_rows(grouped, format->rows);
  return add_grouped_linear(grouped, in, names, out, routing);
}

ValueId GraphBuilder::add_grouped_linear(ValueId rows, int64_t in, const ExpertNames& names, int64_t out,
                                         const Routing& routing) {
  WeightSpec spec;
  for (int64_t expert = 0; expert < routing.experts; ++expert)
    spec.sources.push_back({{names.of(expert)}, out});
  spec.width = in;
  spec.layout = WeightLayout::kPanels;
  spec.experts = routing.experts;
  spec.format = format_of(names, routing.experts);
  spec.dtype = spec.format ? blob_dtype(*spec.format) : precision_.weights;
  Attributes attributes;
  if (spec.format) {
    attributes.format = *spec.format;
    attributes.in = in;
  }
  const ValueId weight = add_weight(graph_, names.prefix + "*" + names.suffix, spec);
  return add_node(OpKind::kGroupedLinear, {rows, weight, routing.offsets}, DType::kF32, rows_by(rows, out),
                  attributes);
}

ValueId GraphBuilder::combine_experts(ValueId residual, ValueId grouped, const Routing& routing,
                                      ValueId shared, ValueId shared_gate) {
  CARAVAN_CHECK_EQ(width_of(residual), width_of(grouped));
  CARAVAN_CHECK_EQ(shared < 0, shared_gate < 0);
  std::vector<ValueId> inputs = {residual, grouped, routing.weights, routing.places};
  if (shared >= 0) inputs.insert(inputs.end(), {shared, shared_gate});
  return add_node(OpKind::kCombineExperts, std::move(inputs), DType::kF32,
                  rows_by(residual, width_of(residual)));
}

}  // namespace caravan
