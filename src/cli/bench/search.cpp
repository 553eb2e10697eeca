#include "cli/bench/search.h"

#include <algorithm>

namespace caravan::cli {

int64_t largest_that_holds(int64_t high, const std::function<bool(int64_t)>& holds) {
  int64_t good = 0;
  int64_t bad = high + 1;
  while (good + 1 < bad) {
    const bool doubling = bad == high + 1;
    const int64_t next = doubling ? std::clamp<int64_t>(2 * good, 1, high) : good + (bad - good) / 2;
    (holds(next) ? good : bad) = next;
  }
  return good;
}

}  // namespace caravan::cli
