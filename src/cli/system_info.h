// `caravan info --system`: what this machine is, as far as speed depends on it. Thread safety: one thread.
#pragma once

#include <ostream>

namespace caravan::cli {

void print_system(std::ostream& out);

}  // namespace caravan::cli
