// The parts that reference_kernels.cpp puts together, one function for each file of this room.
#pragma once

#include "ops/kernel_table.h"

namespace caravan::reference {

constexpr std::string_view kLevel = "reference";

void add_matmul(KernelTable& table);
void add_quantized_matmul(KernelTable& table);
void add_attention(KernelTable& table);
void add_row_wise(KernelTable& table);
void add_experts(KernelTable& table);

}  // namespace caravan::reference
