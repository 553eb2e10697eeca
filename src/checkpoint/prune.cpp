#include "checkpoint/prune.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace caravan {

namespace {

/// Of 2:4.
constexpr size_t kRun = 4;

void mark_half(std::span<const float> scores, uint8_t* marks) {
  const size_t count = scores.size() / 2;
  if (count == 0) return;
  std::vector<float> ordered(scores.begin(), scores.end());
  const auto last = ordered.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(ordered.begin(), last, ordered.end());
  const float most = *last;
  // How many that are as large as the largest of the half are in it.
  auto equals = static_cast<std::ptrdiff_t>(count) -
                std::count_if(scores.begin(), scores.end(), [most](float score) { return score < most; });
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool is_equal = scores[i] == most;
    if (scores[i] < most || (is_equal && equals > 0)) marks[i] = 1;
    if (is_equal) --equals;
  }
}

void mark_two(std::span<const float, kRun> scores, uint8_t* marks) {
  for (size_t i = 0; i < kRun; ++i) {
    int before = 0;
    for (size_t j = 0; j < kRun; ++j)
      before += static_cast<int>(scores[j] < scores[i] || (scores[j] == scores[i] && j < i));
    if (before < 2) marks[i] = 1;
  }
}

}  // namespace

Sparsity sparsity_from_name(std::string_view name) {
  if (name == "0.5") return Sparsity::kHalf;
  return name == "2:4" ? Sparsity::kTwoOf4 : Sparsity::kNone;
}

void mark_least(std::span<const float> scores, Sparsity sparsity, uint8_t* marks) {
  if (sparsity == Sparsity::kHalf) return mark_half(scores, marks);
  if (sparsity == Sparsity::kNone) return;
  for (size_t begin = 0; begin + kRun <= scores.size(); begin += kRun)
    mark_two(scores.subspan(begin).first<kRun>(), marks + begin);
}

int64_t kept_inputs(int64_t in, Sparsity sparsity) {
  constexpr auto kFour = static_cast<int64_t>(kRun);
  switch (sparsity) {
    case Sparsity::kHalf:
      return in - in / 2;
    case Sparsity::kTwoOf4:
      return in - in / kFour * 2;
    default:
      return in;
  }
}

void prune(std::span<float> row, Sparsity sparsity) {
  std::vector<float> magnitudes(row.size());
  std::transform(row.begin(), row.end(), magnitudes.begin(), [](float value) { return std::abs(value); });
  std::vector<uint8_t> marks(row.size());
  mark_least(magnitudes, sparsity, marks.data());
  for (size_t i = 0; i < row.size(); ++i)
    if (marks[i] != 0) row[i] = 0.0F;
}

}  // namespace caravan
