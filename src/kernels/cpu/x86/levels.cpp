// Between the ops' arguments and the levels' plain tasks. Compiled for every x86-64 CPU; what it calls is
// not.
#include "kernels/cpu/levels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/cpu/common/raw.h"
#include "kernels/cpu/x86/attention.h"
#include "kernels/cpu/x86/grouped_linear.h"
#include "kernels/cpu/x86/kv_write.h"
#include "kernels/cpu/x86/quantize.h"
#include "kernels/cpu/x86/quantized_linear.h"
#include "kernels/cpu/x86/reference_table.h"

namespace caravan::cpu {

namespace {

constexpr std::string_view kAvx2Name = "avx2";
constexpr std::string_view kAvx512Name = "avx512";
constexpr std::string_view kAvx512Bf16VnniName = "avx512_bf16_vnni";
constexpr std::string_view kAmxName = "amx";

/// Outputs that a lane takes at a time: one tile's rows, so that no tile is cut.
constexpr int64_t kLinearGrain = 8;
/// Elements that a lane takes at a time: a cache line of fp32, so that no two lanes write to one.
constexpr int64_t kElementGrain = 16;

// Each adapter is a function for each level, because a kernel table holds plain function pointers.

template <const LevelKernels& kLevel>
void linear(const LinearArgs& args, Lane lane) {
  const int64_t out = args.weight.shape[0];
  const Range part = share_of(out, lane, kLinearGrain);
  const LinearTask task = {.x = args.x.data,
                           .weight = args.weight.data,
                           .bias = static_cast<const float*>(args.bias.data),
                           .y = args.y.as<float>(),
                           .tokens = args.x.shape[0],
                           .in = args.x.shape[1],
                           .out = out,
                           .begin = part.begin,
                           .end = part.end};
  switch (args.weight.dtype) {
    case DType::kF32:
      return kLevel.linear_f32(task);
    case DType::kF16:
      return kLevel.linear_f16(task);
    default:
      return kLevel.linear_bf16(task);
  }
}

template <const LevelKernels& kLevel>
void rms_norm(const RmsNormArgs& args, Lane lane) {
  const Range part = share_of(args.x.shape[0], lane);
  const RowTask task = {.a = args.x.as<float>(),
                        .b = args.weight.as<float>(),
                        .y = args.y.data,
                        .width = args.x.shape[1],
                        .begin = part.begin,
                        .end = part.end,
                        .epsilon = args.epsilon};
  (args.y.dtype == DType::kF32 ? kLevel.rms_norm_f32 : kLevel.rms_norm_bf16)(task);
}

template <const LevelKernels& kLevel>
void add_rms_norm(const AddRmsNormArgs& args, Lane lane) {
  const Range part = share_of(args.x.shape[0], lane);
  const AddNormTask task = {.norm = {.a = args.x.as<float>(),
                                     .b = args.weight.as<float>(),
                                     .y = args.y.data,
                                     .width = args.x.shape[1],
                                     .begin = part.begin,
                                     .end = part.end,
                                     .epsilon = args.epsilon},
                            .residual = args.residual.as<float>(),
                            .sum = args.sum.as<float>()};
  (args.y.dtype == DType::kF32 ? kLevel.add_rms_norm_f32 : kLevel.add_rms_norm_bf16)(task);
}

RowTask elements(const ConstTensorView& a, const ConstTensorView& b, const TensorView& y, Lane lane) {
  const Range part = share_of(y.shape.elements(), lane, kElementGrain);
  return {
      .a = a.as<float>(), .b = b.as<float>(), .y = y.data, .width = 0, .begin = part.begin, .end = part.end};
}

template <const LevelKernels& kLevel>
void silu_mul(const SiluMulArgs& args, Lane lane) {
  const RowTask task = elements(args.gate, args.up, args.y, lane);
  (args.y.dtype == DType::kF32 ? kLevel.silu_mul_f32 : kLevel.silu_mul_bf16)(task);
}

template <const LevelKernels& kLevel>
void add(const AddArgs& args, Lane lane) {
  kLevel.add_f32(elements(args.a, args.b, args.y, lane));
}

template <const LevelKernels& kLevel>
void combine_experts(const CombineExpertsArgs& args, Lane lane) {
  const int64_t hidden = args.y.shape[1];
  const int64_t chosen = args.weights.shape[1];
  const bool has_shared = args.shared.data != nullptr;
  const Range part = share_of(args.y.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    CombineTask task = {.residual = args.residual.as<float>() + token * hidden,
                        .grouped = args.grouped.as<float>(),
                        .places = args.places.as<int32_t>() + token * chosen,
                        .weights = args.weights.as<float>() + token * chosen,
                        .y = args.y.as<float>() + token * hidden,
                        .chosen = chosen,
                        .width = hidden};
    if (has_shared) {
      const auto gate = static_cast<double>(args.shared_gate.as<float>()[token]);
      task.shared = args.shared.as<float>() + token * hidden;
      task.shared_weight = static_cast<float>(1.0 / (1.0 + std::exp(-gate)));
    }
    kLevel.combine_f32(task);
  }
}

template <const LevelKernels& kLevel>
void rope(const RopeArgs& args, Lane lane) {
  const int64_t head_dim = args.angles.shape[1];
  const int64_t heads = args.x.shape[1] / head_dim;
  const Range part = share_of(args.x.shape[0] * heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    kLevel.rope_f32({.x = args.x.as<float>() + item * head_dim,
                     .angles = args.angles.as<float>() + item / heads * head_dim,
                     .y = args.y.as<float>() + item * head_dim,
                     .half = head_dim / 2});
  }
}

template <const LevelKernels& kLevel>
void attention(const AttentionArgs& args, Lane lane) {
  if (kv_layout_of(args.k_cache).head_dim > kMaxHeadDim)
    return reference_table().attention.at(args.k_cache.dtype).run(args, lane);
  const AttentionKernels kernels = attention_kernels<kLevel>(args);
  CARAVAN_CHECK(kernels.whole != nullptr);
  AttentionWork(args, kernels, lane).run();
}

template <const LevelKernels& kLevel>
void add_kernels(KernelTable& table, std::string_view level) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    table.linear.set(dtype, linear<kLevel>, level);
    table.packed_linear.set(dtype, packed_linear<kLevel>, level);
    table.grouped_linear.set(dtype, grouped_linear<kLevel>, level);
  }
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
    table.kv_write.set(dtype, kv_write<kLevel>, level);
    table.rope_kv_write.set(dtype, rope_kv_write<kLevel>, level);
    table.attention.set(dtype, attention<kLevel>, level);
  }
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    table.rms_norm.set(dtype, rms_norm<kLevel>, level);
    table.add_rms_norm.set(dtype, add_rms_norm<kLevel>, level);
    table.silu_mul.set(dtype, silu_mul<kLevel>, level);
    table.quantize_rows.set(dtype, quantize_rows<kLevel>, level);
  }
  table.packed_linear.set(DType::kU8, packed_linear_weight_only<kLevel>, level);
  table.packed_linear.set(DType::kI8, packed_linear_i8<kLevel>, level);
  table.grouped_linear.set(DType::kU8, grouped_linear_weight_only<kLevel>, level);
  table.grouped_linear.set(DType::kI8, grouped_linear_i8<kLevel>, level);
  table.combine_experts.set(DType::kF32, combine_experts<kLevel>, level);
  table.rms_norm.set(DType::kU8, rms_norm_quantized<kLevel>, level);
  table.rope.set(DType::kF32, rope<kLevel>, level);
  table.add.set(DType::kF32, add<kLevel>, level);
}

}  // namespace

bool has_level_kernels() { return true; }

int64_t largest_head() { return kMaxHeadDim; }

void add_avx2_kernels(KernelTable& table) { add_kernels<kAvx2Kernels>(table, kAvx2Name); }

void add_avx512_kernels(KernelTable& table) { add_kernels<kAvx512Kernels>(table, kAvx512Name); }

void add_avx512_bf16_vnni_kernels(KernelTable& table) {
  add_kernels<kAvx512Bf16VnniKernels>(table, kAvx512Bf16VnniName);
}

void add_amx_kernels(KernelTable& table) { add_kernels<kAmxKernels>(table, kAmxName); }

Peak peak_of(std::string_view level, DType dtype) {
  const LevelKernels* kernels = level == kAvx2Name             ? &kAvx2Kernels
                                : level == kAvx512Name         ? &kAvx512Kernels
                                : level == kAvx512Bf16VnniName ? &kAvx512Bf16VnniKernels
                                : level == kAmxName            ? &kAmxKernels
                                                               : nullptr;
  if (kernels == nullptr || (!is_floating(dtype) && dtype != DType::kI8)) return {};
  const PeakKernel& peak = dtype == DType::kI8     ? kernels->peak_i8
                           : dtype == DType::kBF16 ? kernels->peak_bf16
                                                   : kernels->peak_f32;
  return {peak.run, peak.operations_per_step};
}

}  // namespace caravan::cpu
