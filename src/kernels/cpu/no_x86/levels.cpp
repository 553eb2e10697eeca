// For builds that are not for x86-64: there are no level kernels, and none may be asked for.
#include "kernels/cpu/levels.h"
#include "base/error.h"

namespace caravan::cpu {

bool has_level_kernels() { return false; }

int64_t largest_head() { return 0; }

void add_avx2_kernels(KernelTable& /*table*/) { CARAVAN_CHECK(has_level_kernels()); }

void add_avx512_kernels(KernelTable& /*table*/) { CARAVAN_CHECK(has_level_kernels()); }

void add_avx512_bf16_vnni_kernels(KernelTable& /*table*/) { CARAVAN_CHECK(has_level_kernels()); }

void add_amx_kernels(KernelTable& /*table*/) { CARAVAN_CHECK(has_level_kernels()); }

Peak peak_of(std::string_view /*level*/, DType /*dtype*/) { return {}; }

}  // namespace caravan::cpu
