// Grouped linear by a reference kernel of packed linear: one expert after the other.
// Thread safety: pure functions of their arguments.
#pragma once

#include "ops/kernel_table.h"

namespace caravan::reference {

template <Kernel<PackedLinearArgs> kKernel>
void grouped(const GroupedLinearArgs& args, Lane lane) {
  for (int64_t expert = 0; expert < experts_of(args); ++expert) kKernel(linear_of_expert(args, expert), lane);
}

}  // namespace caravan::reference
