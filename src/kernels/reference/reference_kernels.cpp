#include "kernels/reference/reference_kernels.h"

#include "kernels/reference/rows.h"

namespace caravan {

void add_reference_kernels(KernelTable& table) {
  reference::add_matmul(table);
  reference::add_quantized_matmul(table);
  reference::add_row_wise(table);
  reference::add_experts(table);
  reference::add_attention(table);
}

}  // namespace caravan
