// The reference kernels, for what a level has no kernel for. Thread safety: constant once made.
#pragma once

#include "kernels/reference/reference_kernels.h"

namespace caravan::cpu {

/// What a head that is too large for the level's tiles gets.
inline const KernelTable& reference_table() {
  static const KernelTable kTable = [] {
    KernelTable table;
    add_reference_kernels(table);
    return table;
  }();
  return kTable;
}

}  // namespace caravan::cpu
