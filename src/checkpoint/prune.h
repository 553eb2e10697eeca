// Which weights of an output become 0, and how many stay. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace caravan {

/// Which share of each output's weights becomes 0.
enum class Sparsity : uint8_t {
  kNone,
  kHalf,    ///< half of all
  kTwoOf4,  ///< two of every four that follow each other
};

/// What "0.5" and "2:4" mean; kNone for any other name.
Sparsity sparsity_from_name(std::string_view name);

/// Sets marks[i] to 1 where weight i of an output is to become 0: the half whose scores are the least, or of
/// every four the two; of equal ones the earlier. An odd one, or two or three at the end, stay. Scores are
/// numbers.
void mark_least(std::span<const float> scores, Sparsity sparsity, uint8_t* marks);

/// How many of an output's `in` weights stay.
int64_t kept_inputs(int64_t in, Sparsity sparsity);

/// Sets the weights of `row` whose magnitudes are the least to 0.
void prune(std::span<float> row, Sparsity sparsity);

}  // namespace caravan
