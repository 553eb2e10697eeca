#include "quantize/sparsity.h"

#include <cmath>

#include "base/error.h"
#include "checkpoint/threads.h"

namespace caravan {

std::vector<uint8_t> least_important(const ConstTensorView& weights, std::span<const float> input_norms,
                                     Sparsity sparsity) {
  CARAVAN_CHECK(sparsity != Sparsity::kNone);
  const int64_t out = weights.shape[0];
  const int64_t in = weights.shape[1];
  std::vector<uint8_t> marks(static_cast<size_t>(out * in));
  for_each_in_parallel(static_cast<size_t>(out), [&](size_t row) {
    const float* values = weights.as<float>() + static_cast<int64_t>(row) * in;
    std::vector<float> scores(static_cast<size_t>(in));
    for (int64_t i = 0; i < in; ++i) {
      const auto place = static_cast<size_t>(i);
      scores[place] = std::abs(values[i]) * (input_norms.empty() ? 1.0F : input_norms[place]);
    }
    mark_least(scores, sparsity, marks.data() + static_cast<int64_t>(row) * in);
  });
  return marks;
}

}  // namespace caravan
