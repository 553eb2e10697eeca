#include "execute/bound_op.h"

#include "base/error.h"

namespace caravan {

namespace {

const KernelRow<EmbeddingArgs>& row_for(const KernelTable& table, const EmbeddingArgs&) {
  return table.embedding;
}
const KernelRow<LinearArgs>& row_for(const KernelTable& table, const LinearArgs&) { return table.linear; }
const KernelRow<PackedLinearArgs>& row_for(const KernelTable& table, const PackedLinearArgs&) {
  return table.packed_linear;
}
const KernelRow<RmsNormArgs>& row_for(const KernelTable& table, const RmsNormArgs&) { return table.rms_norm; }
const KernelRow<AddRmsNormArgs>& row_for(const KernelTable& table, const AddRmsNormArgs&) {
  return table.add_rms_norm;
}
const KernelRow<RopeAnglesArgs>& row_for(const KernelTable& table, const RopeAnglesArgs&) {
  return table.rope_angles;
}
const KernelRow<RopeArgs>& row_for(const KernelTable& table, const RopeArgs&) { return table.rope; }
const KernelRow<KvWriteArgs>& row_for(const KernelTable& table, const KvWriteArgs&) { return table.kv_write; }
const KernelRow<RopeKvWriteArgs>& row_for(const KernelTable& table, const RopeKvWriteArgs&) {
  return table.rope_kv_write;
}
const KernelRow<AttentionArgs>& row_for(const KernelTable& table, const AttentionArgs&) {
  return table.attention;
}
const KernelRow<SiluMulArgs>& row_for(const KernelTable& table, const SiluMulArgs&) { return table.silu_mul; }
const KernelRow<AddArgs>& row_for(const KernelTable& table, const AddArgs&) { return table.add; }
const KernelRow<TakeRowsArgs>& row_for(const KernelTable& table, const TakeRowsArgs&) {
  return table.take_rows;
}
const KernelRow<QuantizeRowsArgs>& row_for(const KernelTable& table, const QuantizeRowsArgs&) {
  return table.quantize_rows;
}
const KernelRow<RouteExpertsArgs>& row_for(const KernelTable& table, const RouteExpertsArgs&) {
  return table.route_experts;
}
const KernelRow<GroupRowsArgs>& row_for(const KernelTable& table, const GroupRowsArgs&) {
  return table.group_rows;
}
const KernelRow<GroupedLinearArgs>& row_for(const KernelTable& table, const GroupedLinearArgs&) {
  return table.grouped_linear;
}
const KernelRow<CombineExpertsArgs>& row_for(const KernelTable& table, const CombineExpertsArgs&) {
  return table.combine_experts;
}

/// A node's tensors by their place in its lists of inputs and outputs.
class NodeTensors {
 public:
  NodeTensors(const Node& node, std::span<const TensorView> values) : node_(node), values_(values) {}

  [[nodiscard]] const TensorView& in(size_t place) const { return value(node_.inputs.at(place)); }
  [[nodiscard]] const TensorView& out(size_t place = 0) const { return value(node_.outputs.at(place)); }
  /// Positions, sequences and block table, which stand side by side from `place` on.
  [[nodiscard]] TokenPlaces places(size_t place) const { return {in(place), in(place + 1), in(place + 2)}; }

  /// The scales of an int8 cache from `place` on, where the node has them.
  [[nodiscard]] CacheScales scales(size_t place) const {
    if (place >= node_.inputs.size()) return {};
    return {in(place), in(place + 1)};
  }

 private:
  [[nodiscard]] const TensorView& value(ValueId id) const {
    CARAVAN_CHECK(id >= 0 && static_cast<size_t>(id) < values_.size());
    return values_[static_cast<size_t>(id)];
  }

  const Node& node_;
  std::span<const TensorView> values_;
};

LinearArgs bind_linear(const Node& node, const NodeTensors& tensors) {
  const ConstTensorView bias = node.inputs.size() > 2 ? ConstTensorView(tensors.in(2)) : ConstTensorView();
  return {tensors.in(0), tensors.in(1), bias, tensors.out()};
}

PackedLinearArgs bind_packed_linear(const Node& node, const NodeTensors& tensors) {
  PackedLinearArgs args;
  args.x = tensors.in(0);
  args.weight = tensors.in(1);
  args.y = tensors.out();
  args.epilogue = node.attributes.epilogue;
  args.format = node.attributes.format;
  args.in = node.attributes.in;
  size_t place = 2;
  if (args.epilogue == Epilogue::kResidual) args.residual = tensors.in(place++);
  if (place < node.inputs.size()) args.bias = tensors.in(place);
  return args;
}

CombineExpertsArgs bind_combine_experts(const Node& node, const NodeTensors& tensors) {
  CombineExpertsArgs args = {tensors.in(0), tensors.in(1), tensors.in(2), tensors.in(3), {}, {},
                             tensors.out()};
  if (node.inputs.size() == 4) return args;
  args.shared = tensors.in(4);
  args.shared_gate = tensors.in(5);
  return args;
}

RopeKvWriteArgs bind_rope_kv_write(const Node& node, const NodeTensors& tensors) {
  RopeKvWriteArgs args;
  args.angles = tensors.in(3);
  args.places = tensors.places(4);
  args.k_cache = tensors.in(7);
  args.v_cache = tensors.in(8);
  args.y = tensors.out();
  const int64_t q_width = args.y.shape[1];
  const KvLayout layout = kv_layout_of(args.k_cache);
  const int64_t kv_width = layout.kv_heads * layout.head_dim;
  const bool side_by_side = node.inputs[0] == node.inputs[1];
  args.q = {tensors.in(0), 0, q_width};
  args.k = {tensors.in(1), side_by_side ? q_width : 0, kv_width};
  args.v = {tensors.in(2), side_by_side ? q_width + kv_width : 0, kv_width};
  args.scales = tensors.scales(9);
  return args;
}

}  // namespace

OpArgs bind(const Node& node, std::span<const TensorView> values) {
  const NodeTensors tensors(node, values);
  const auto in = [&tensors](size_t place) { return tensors.in(place); };
  const Attributes& attributes = node.attributes;
  switch (node.op) {
    case OpKind::kEmbedding:
      return EmbeddingArgs{in(0), in(1), tensors.out()};
    case OpKind::kLinear:
      return bind_linear(node, tensors);
    case OpKind::kPackedLinear:
      return bind_packed_linear(node, tensors);
    case OpKind::kRmsNorm:
      return RmsNormArgs{in(0), in(1), attributes.epsilon, tensors.out(), attributes.rows};
    case OpKind::kAddRmsNorm:
      return AddRmsNormArgs{in(0), in(1), in(2), attributes.epsilon, tensors.out(0), tensors.out(1)};
    case OpKind::kRopeAngles:
      return RopeAnglesArgs{in(0), in(1), in(2), attributes.scale, tensors.out()};
    case OpKind::kRope:
      return RopeArgs{in(0), in(1), tensors.out()};
    case OpKind::kKvWrite:
      return KvWriteArgs{in(0), in(1), tensors.places(2), in(5), in(6), tensors.scales(7)};
    case OpKind::kRopeKvWrite:
      return bind_rope_kv_write(node, tensors);
    case OpKind::kAttention:
      return AttentionArgs{in(0),        tensors.places(1), in(4), in(5), attributes.scale, attributes.window,
                           tensors.out()};
    case OpKind::kSiluMul:
      return SiluMulArgs{in(0), in(1), tensors.out()};
    case OpKind::kAdd:
      return AddArgs{in(0), in(1), tensors.out()};
    case OpKind::kTakeRows:
      return TakeRowsArgs{in(0), in(1), tensors.out()};
    case OpKind::kQuantizeRows:
      return QuantizeRowsArgs{in(0), attributes.rows, tensors.out()};
    case OpKind::kRouteExperts:
      return RouteExpertsArgs{in(0), in(1), attributes.renormalize, tensors.out(0), tensors.out(1)};
    case OpKind::kGroupRows:
      return GroupRowsArgs{in(0), tensors.out(0), tensors.out(1), tensors.out(2)};
    case OpKind::kGroupedLinear:
      return GroupedLinearArgs{
          in(0), in(1), in(2), tensors.out(), attributes.epilogue, attributes.format, attributes.in};
    case OpKind::kCombineExperts:
      return bind_combine_experts(node, tensors);
  }
  CARAVAN_CHECK(false);
  return AddArgs{};
}

void check(const OpArgs& args) {
  std::visit([](const auto& typed) { check(typed); }, args);
}

void run_lane(const OpArgs& args, const KernelTable& table, Lane lane) {
  std::visit(
      [&table, lane](const auto& typed) {
        const auto& entry = row_for(table, typed).at(key_dtype(typed));
        CARAVAN_CHECK(entry.run != nullptr);
        entry.run(typed, lane);
      },
      args);
}

}  // namespace caravan
