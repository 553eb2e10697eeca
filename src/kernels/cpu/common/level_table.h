// The table of a level, made from its vector type and its ways to multiply bf16 and bytes.
// Thread safety: constant.
#pragma once

#include "kernels/cpu/common/attention.h"
#include "kernels/cpu/common/lifted.h"
#include "kernels/cpu/common/linear.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/panel_by_groups.h"
#include "kernels/cpu/common/panel_i8.h"
#include "kernels/cpu/common/panel_weight_only.h"
#include "kernels/cpu/common/peak.h"
#include "kernels/cpu/common/quantize.h"
#include "kernels/cpu/common/rows.h"
#include "kernels/cpu/common/sparse.h"

namespace caravan::cpu {
namespace {

template <typename V, typename BF16Dot, typename ByteDot, typename Narrow = PlainNarrow<V>,
          typename Unmask = ShuffleUnmask>
constexpr LevelKernels level_table() {
  return {
      .linear_f32 = linear<V, float, float>,
      .linear_f16 = linear<V, float, F16>,
      .linear_bf16 = linear<V, BF16, BF16>,
      .panel_f32 = panel<V, WidenDot<V, float>>,
      .panel_f16 = panel<V, WidenDot<V, F16>, WidenDot<V, float>>,
      .panel_bf16 = panel<V, BF16Dot>,
      .panel_i8 = panel_i8<V, ByteDot>,
      .sparse_i8 = panel_from_source<V, ByteDot, SparseSource<Unmask>>,
      .expand_sparse = expand_source<SparseSource<Unmask>>,
      .lifted_i8 = panel_from_source<V, ByteDot, LiftedSource<typename V::Ints>>,
      .expand_lifted = expand_source<LiftedSource<typename V::Ints>>,
      .weight_only_f32 = panel_weight_only<V, WidenDot<V, float>>,
      .weight_only_f16 = panel_weight_only<V, WidenDot<V, F16>>,
      .weight_only_bf16 = panel_by_groups<V, Narrow, BF16Dot>,
      .expand_f32 = expand_panel<V, float>,
      .expand_f16 = expand_panel<V, F16>,
      .resident_bf16 = 0,
      .peak_f32 = {peak<V, WidenDot<V, float>>, peak_operations<V, WidenDot<V, float>>()},
      .peak_bf16 = {peak<V, BF16Dot>, peak_operations<V, BF16Dot>()},
      .peak_i8 = {peak<typename V::Ints, ByteDot>, peak_operations<typename V::Ints, ByteDot>()},
      .rms_norm_f32 = rms_norm<V, float>,
      .rms_norm_bf16 = rms_norm<V, BF16>,
      .rms_norm_u8 = rms_norm_quantized<V>,
      .quantize_rows_f32 = quantize_rows<V, float>,
      .quantize_rows_bf16 = quantize_rows<V, BF16>,
      .add_rms_norm_f32 = add_rms_norm<V, float>,
      .add_rms_norm_bf16 = add_rms_norm<V, BF16>,
      .silu_mul_f32 = silu_mul<V, float>,
      .silu_mul_bf16 = silu_mul<V, BF16>,
      .add_f32 = add<V>,
      .combine_f32 = combine<V>,
      .rope_f32 = rope<V>,
      .store_f16 = store_as<V, F16>,
      .store_bf16 = store_as<V, BF16>,
      .store_i8 = store_scaled<V>,
      .attention_f32_f32 = attention<RowStates<V>, float, float>,
      .attention_f16_f32 = attention<RowStates<V>, F16, float>,
      .attention_bf16_f32 = attention<RowStates<V>, BF16, float>,
      .attention_bf16_bf16 = attention<RowStates<V>, BF16, BF16>,
      .attention_i8_f32 = attention<RowStates<V>, I8, float>,
      .attention_i8_bf16 = attention<RowStates<V>, I8, BF16>,
      .attention_chunk_f32 = attention_chunk<RowStates<V>, float>,
      .attention_chunk_f16 = attention_chunk<RowStates<V>, F16>,
      .attention_chunk_bf16 = attention_chunk<RowStates<V>, BF16>,
      .attention_chunk_i8 = attention_chunk<RowStates<V>, I8>,
      .attention_merge_f32 = attention_merge<V, float>,
      .attention_merge_bf16 = attention_merge<V, BF16>,
      .exp_f32 = exp_all<V>,
  };
}

}  // namespace
}  // namespace caravan::cpu
