// Sizes for people. Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <string>

namespace caravan::cli {

/// "12 B", "6.30 MB": in powers of 1000, with two decimals above a byte.
std::string size_text(uint64_t bytes);

}  // namespace caravan::cli
