// Which tokens a sequence has and how often, kept from step to step: what the penalties need.
// Thread safety: belongs to one sequence.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace caravan {

class TokenCounts {
 public:
  struct Count {
    int32_t token = 0;
    int32_t in_output = 0;  ///< 0: only the prompt has it
  };

  /// Counts what `prompt` and `output` have. Only what has been added since the last call costs more than a
  /// comparison of memory; spans that do not continue the last ones are counted afresh.
  void update(std::span<const int32_t> prompt, std::span<const int32_t> output);

  /// Each token of the two once, by first occurrence as the calls saw it.
  [[nodiscard]] std::span<const Count> counts() const { return counts_; }

 private:
  Count& count_of(int32_t token);

  std::vector<int32_t> prompt_;  ///< as counted
  std::vector<int32_t> output_;
  std::vector<Count> counts_;
  std::unordered_map<int32_t, size_t> index_;  ///< of a token in counts_
};

}  // namespace caravan
