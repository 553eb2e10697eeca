// The table of kernels that a backend is: one row per op, one entry per dtype.
//
// kernels/select.h fills one: the reference kernels first, then each ISA level that the CPU has overwrites
// the entries it is faster at. Invariants of a filled table: every entry whose dtype the op's header allows
// holds a kernel, all of which may be called from any thread. Thread safety: a value, constant once filled.
#pragma once

#include <array>
#include <string_view>

#include "ops/add_rms_norm.h"
#include "ops/attention.h"
#include "ops/combine_experts.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/grouped_linear.h"
#include "ops/kv_write.h"
#include "ops/linear.h"
#include "ops/packed_linear.h"
#include "ops/quantize_rows.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/rope_kv_write.h"
#include "ops/route_experts.h"

namespace caravan {

/// Computes the part of the op that `lane` names. The arguments have passed check().
template <typename Args>
using Kernel = void (*)(const Args& args, Lane lane);

template <typename Args>
struct KernelEntry {
  Kernel<Args> run = nullptr;
  std::string_view level;  ///< which ISA level it is from: "reference", "avx2", "avx512" …
};

template <typename Args>
class KernelRow {
 public:
  void set(DType key, Kernel<Args> kernel, std::string_view level) {
    entries_.at(static_cast<size_t>(key)) = {kernel, level};
  }
  /// The entry for `key`; its run is nullptr where the op does not allow that dtype.
  [[nodiscard]] const KernelEntry<Args>& at(DType key) const { return entries_.at(static_cast<size_t>(key)); }

 private:
  std::array<KernelEntry<Args>, kDTypeCount> entries_{};
};

/// Each row is chosen by key_dtype() of its arguments.
struct KernelTable {
  KernelRow<EmbeddingArgs> embedding;
  KernelRow<LinearArgs> linear;
  KernelRow<PackedLinearArgs> packed_linear;
  KernelRow<RmsNormArgs> rms_norm;
  KernelRow<AddRmsNormArgs> add_rms_norm;
  KernelRow<RopeAnglesArgs> rope_angles;
  KernelRow<RopeArgs> rope;
  KernelRow<KvWriteArgs> kv_write;
  KernelRow<RopeKvWriteArgs> rope_kv_write;
  KernelRow<AttentionArgs> attention;
  KernelRow<SiluMulArgs> silu_mul;
  KernelRow<AddArgs> add;
  KernelRow<TakeRowsArgs> take_rows;
  KernelRow<QuantizeRowsArgs> quantize_rows;
  KernelRow<RouteExpertsArgs> route_experts;
  KernelRow<GroupRowsArgs> group_rows;
  KernelRow<GroupedLinearArgs> grouped_linear;
  KernelRow<CombineExpertsArgs> combine_experts;
};

/// Calls visit(name, row) for every row of `table`, in the order above: for logs, tests and docs.
template <typename Table, typename Visit>
void for_each_row(Table& table, const Visit& visit) {
  visit("embedding", table.embedding);
  visit("linear", table.linear);
  visit("packed_linear", table.packed_linear);
  visit("rms_norm", table.rms_norm);
  visit("add_rms_norm", table.add_rms_norm);
  visit("rope_angles", table.rope_angles);
  visit("rope", table.rope);
  visit("kv_write", table.kv_write);
  visit("rope_kv_write", table.rope_kv_write);
  visit("attention", table.attention);
  visit("silu_mul", table.silu_mul);
  visit("add", table.add);
  visit("take_rows", table.take_rows);
  visit("quantize_rows", table.quantize_rows);
  visit("route_experts", table.route_experts);
  visit("group_rows", table.group_rows);
  visit("grouped_linear", table.grouped_linear);
  visit("combine_experts", table.combine_experts);
}

}  // namespace caravan
