// Which kernels this process uses: the one explicit place where ISA levels are put over each other.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/machine.h"
#include "ops/kernel_table.h"

namespace caravan {

/// From the lowest to the highest; a level includes all below it.
enum class IsaLevel : int { kPortable = 0, kAvx2 = 1, kAvx512 = 2, kAvx512Bf16Vnni = 3, kAmx = 4 };

/// "portable", "avx2", "avx512", "avx512_bf16_vnni", "amx".
std::string_view name_of(IsaLevel level);

/// Every level that this build has kernels for and `features` allow, lowest first; never empty.
std::vector<IsaLevel> available_levels(const CpuFeatures& features);

/// The level that the environment variable CARAVAN_ISA names in `value`, or the highest available one where
/// `value` is null or empty. Throws Error if the name is unknown or this CPU or build does not have it.
IsaLevel choose_level(const char* value, const CpuFeatures& features);

/// The reference table, overwritten by each level up to `level`; logs what each op got at log level debug.
KernelTable select_kernels(IsaLevel level);

/// The largest head for which `level` has an attention kernel of its own. Larger ones run on the reference
/// kernel, which whoever loads such a model should be told.
int64_t largest_fast_head(IsaLevel level);

}  // namespace caravan
