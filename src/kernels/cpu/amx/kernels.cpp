// Intel AMX: tiles that multiply bf16 and bytes, in matmuls and in attention over a bf16 cache. Whatever is
// neither is as at the avx512 level, in fp32, and the unpacked bf16 matmul of eager too, whose weights do not
// lie as tiles want them.
#include "kernels/cpu/amx/attention.h"
#include "kernels/cpu/amx/panel_bf16.h"
#include "kernels/cpu/amx/panel_by_groups.h"
#include "kernels/cpu/amx/panel_from_source.h"
#include "kernels/cpu/amx/panel_i8.h"
#include "kernels/cpu/amx/peak.h"
#include "kernels/cpu/common/byte_dot.h"
#include "kernels/cpu/common/level_table.h"
#include "kernels/cpu/common/sparse_vbmi2.h"

namespace caravan::cpu {
namespace {

static_assert(kMostStreamed == kResidentFrom - 1);

constexpr LevelKernels amx_table() {
  LevelKernels table = level_table<Vector512, PairDot<Vector512>, ByteDot, Bf16Narrow, ExpandUnmask>();
  table.panel_bf16 = panel_bf16;
  table.weight_only_bf16 = tile_panel_by_groups;
  table.panel_i8 = tile_panel_i8;
  table.sparse_i8 = tile_panel_from_source<SparseSource<ExpandUnmask>>;
  table.lifted_i8 = tile_panel_from_source<LiftedSource<Ints512>>;
  table.attention_bf16_f32 = attention_by_tiles<float>;
  table.attention_bf16_bf16 = attention_by_tiles<BF16>;
  table.attention_chunk_bf16 = attention_chunk_by_tiles;
  table.peak_i8 = {peak_tiles<multiply_bytes>, peak_step_operations(kTileBytes)};
  table.resident_bf16 = kResidentBytes;
  table.peak_bf16 = {peak_tiles<multiply_bf16>, peak_step_operations(kTileInputs)};
  return table;
}

}  // namespace

constinit const LevelKernels kAmxKernels = amx_table();

}  // namespace caravan::cpu
