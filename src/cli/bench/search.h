// The search for the largest batch that is fast enough.
// Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <functional>

namespace caravan::cli {

/// The largest number from 1 to `high` for which `holds` is true, if it is true up to some number and false
/// above; 0 if it is never. Asks for 1, 2, 4 … until it is false, then halves what is left: at most about
/// 2 log2(high) times, and never for the same number twice.
int64_t largest_that_holds(int64_t high, const std::function<bool(int64_t)>& holds);

}  // namespace caravan::cli
