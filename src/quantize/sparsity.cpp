#include "quantize/sparsity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "checkpoint/threads.h"

namespace caravan {

std::vector<uint8_t> least_important(const ConstTensorView& weights, std::span<const float> input_norms,
                                     Sparsity sparsity) {
  CARAVAN_CHECK(sparsity != Sparsity::kNone);
  const int64_t out = weights.shape[0];
  const int64_t in = weights.shape[1];
  const int64_t width = sparsity == Sparsity::kTwoOf4 ? 4 : in;
  std::vector<uint8_t> marks(static_cast<size_t>(out * in));
  for_each_in_parallel(static_cast<size_t>(out), [&](size_t row) {
    const float* values = weights.as<float>() + static_cast<int64_t>(row) * in;
    uint8_t* to = marks.data() + static_cast<int64_t>(row) * in;
    std::vector<float> scores(static_cast<size_t>(in));
    for (int64_t i = 0; i < in; ++i) {
      const auto place = static_cast<size_t>(i);
      scores[place] = std::abs(values[i]) * (input_norms.empty() ? 1.0F : input_norms[place]);
    }
    std::vector<int64_t> order(static_cast<size_t>(width));
    for (int64_t begin = 0; begin + width <= in; begin += width) {
      std::iota(order.begin(), order.end(), begin);
      std::stable_sort(order.begin(), order.end(), [&scores](int64_t a, int64_t b) {
        return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)];
      });
      for (int64_t i = 0; i < width / 2; ++i) to[order[static_cast<size_t>(i)]] = 1;
    }
  });
  return marks;
}

}  // namespace caravan
