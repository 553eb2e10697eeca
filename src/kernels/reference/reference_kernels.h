// Every op in plain scalar C++, accumulating in double: the truth that the fast kernels are measured against,
// and what runs on a CPU that has no level of its own ("portable"). Thread safety: the kernels are pure
// functions of their arguments.
#pragma once

#include "ops/kernel_table.h"

namespace caravan {

/// Fills every entry of `table` that an op allows.
void add_reference_kernels(KernelTable& table);

}  // namespace caravan
