#include "sampling/token_mask.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"

namespace caravan {

void copy_allowed(std::span<const float> logits, std::span<const uint64_t> allowed, std::span<float> out) {
  CARAVAN_CHECK(allowed.size() >= mask_words(logits.size()));
  CARAVAN_CHECK_EQ(out.size(), logits.size());
  constexpr float kForbidden = -std::numeric_limits<float>::infinity();
  bool any = false;
  for (size_t first = 0; first < logits.size(); first += 64) {
    const size_t count = std::min<size_t>(64, logits.size() - first);
    const uint64_t inside = ~uint64_t{0} >> (64 - count);
    uint64_t bits = allowed[first / 64] & inside;
    any = any || bits != 0;
    const std::span<const float> from = logits.subspan(first, count);
    const std::span<float> to = out.subspan(first, count);
    // The rarer of allowed and forbidden tokens one by one.
    if (2 * static_cast<size_t>(std::popcount(bits)) > count) {
      std::copy(from.begin(), from.end(), to.begin());
      for (bits ^= inside; bits != 0; bits &= bits - 1) {
        to[static_cast<size_t>(std::countr_zero(bits))] = kForbidden;
      }
    } else {
      std::fill(to.begin(), to.end(), kForbidden);
      for (; bits != 0; bits &= bits - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(bits));
        to[i] = from[i];
      }
    }
  }
  CARAVAN_CHECK(any);
}

}  // namespace caravan
