// The inputs of one step, laid out as the graph reads them.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <vector>

#include "execute/step.h"

namespace caravan {

/// One sequence's part of a step.
struct BatchPart {
  std::span<const int32_t> tokens;          ///< the ids to compute
  int64_t first_position = 0;               ///< of tokens[0]
  std::span<const int32_t> blocks;          ///< the sequence's block table
  std::span<const float> rope_frequencies;  ///< [head_dim / 2]
  bool all_logits = false;                  ///< logits of every token, not of the last only
  bool last_logits = false;                 ///< logits of the last token
  int64_t padding = 0;                      ///< padding rows after the tokens
};

class Batch {
 public:
  explicit Batch(const std::vector<BatchPart>& parts);

  /// Views that live as long as the batch.
  [[nodiscard]] StepInputs inputs() const;

  /// The first logit row of each part, and one past the last part's; rows of part i are [rows[i], rows[i +
  /// 1]).
  [[nodiscard]] const std::vector<int64_t>& logit_rows_of_parts() const { return rows_of_parts_; }

 private:
  void add_tokens(const BatchPart& part, int32_t sequence);

  std::vector<int32_t> token_ids_;       ///< [tokens]
  std::vector<int32_t> positions_;       ///< [tokens]
  std::vector<int32_t> sequences_;       ///< [tokens]
  std::vector<int32_t> block_table_;     ///< [sequences, blocks_per_sequence]
  std::vector<float> rope_frequencies_;  ///< [sequences, head_dim / 2]
  std::vector<int32_t> logit_rows_;      ///< [logit_rows]
  std::vector<int64_t> rows_of_parts_;   ///< [parts + 1]
  int64_t num_sequences_ = 0;
};

}  // namespace caravan
