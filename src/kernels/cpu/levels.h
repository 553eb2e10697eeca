// The ISA levels of the CPU's fast kernels, as kernels/select.cpp sees them.
// On a machine that is not x86-64, kernels/cpu/no_x86 stands in for all of them.
// Thread safety: pure functions.
#pragma once

#include "ops/kernel_table.h"

namespace caravan::cpu {

/// Whether this build has the kernels below.
bool has_level_kernels();

/// The largest head that the levels' attention computes; what is larger it leaves to the reference kernel.
int64_t largest_head();

/// Overwrites the entries of `table` that the level is faster at. Call them on a CPU that has the level only,
/// from the lowest up.
void add_avx2_kernels(KernelTable& table);
void add_avx512_kernels(KernelTable& table);
void add_avx512_bf16_vnni_kernels(KernelTable& table);
void add_amx_kernels(KernelTable& table);

/// Arithmetic on registers alone; run is nullptr for a level or dtype that has none. fp16 is multiplied as
/// fp32, int8 with uint8.
struct Peak {
  void (*run)(long steps, float* values) = nullptr;  ///< values: fp32 [64]
  int64_t operations_per_step = 0;
};
Peak peak_of(std::string_view level, DType dtype);

}  // namespace caravan::cpu
