#include "engine/batch.h"

#include <algorithm>

namespace caravan {

Batch::Batch(const std::vector<BatchPart>& parts) : num_sequences_(static_cast<int64_t>(parts.size())) {
  size_t blocks_per_sequence = 1;
  for (const BatchPart& part : parts) blocks_per_sequence = std::max(blocks_per_sequence, part.blocks.size());
  block_table_.assign(parts.size() * blocks_per_sequence, 0);
  for (size_t i = 0; i < parts.size(); ++i) {
    const BatchPart& part = parts[i];
    rows_of_parts_.push_back(static_cast<int64_t>(logit_rows_.size()));
    add_tokens(part, static_cast<int32_t>(i));
    std::copy(part.blocks.begin(), part.blocks.end(),
              block_table_.begin() + static_cast<std::ptrdiff_t>(i * blocks_per_sequence));
    rope_frequencies_.insert(rope_frequencies_.end(), part.rope_frequencies.begin(),
                             part.rope_frequencies.end());
  }
  rows_of_parts_.push_back(static_cast<int64_t>(logit_rows_.size()));
}

void Batch::add_tokens(const BatchPart& part, int32_t sequence) {
  for (size_t i = 0; i < part.tokens.size(); ++i) {
    const bool last = i + 1 == part.tokens.size();
    if (part.all_logits || (last && part.last_logits))
      logit_rows_.push_back(static_cast<int32_t>(token_ids_.size()));
    token_ids_.push_back(part.tokens[i]);
    positions_.push_back(static_cast<int32_t>(part.first_position + static_cast<int64_t>(i)));
    sequences_.push_back(sequence);
  }
  const size_t padded = token_ids_.size() + static_cast<size_t>(part.padding);
  token_ids_.resize(padded, -1);
  positions_.resize(padded, 0);
  sequences_.resize(padded, -1);
}

StepInputs Batch::inputs() const {
  StepInputs inputs;
  const auto rows = static_cast<int64_t>(token_ids_.size());
  const auto set = [&inputs](InputKind kind, const void* data, DType dtype, const Shape& shape) {
    inputs.at(static_cast<size_t>(kind)) = ConstTensorView(data, dtype, shape);
  };
  const auto per_sequence = [this](size_t elements) {
    return static_cast<int64_t>(elements) / num_sequences_;
  };
  set(InputKind::kTokenIds, token_ids_.data(), DType::kI32, {rows});
  set(InputKind::kPositions, positions_.data(), DType::kI32, {rows});
  set(InputKind::kSequences, sequences_.data(), DType::kI32, {rows});
  set(InputKind::kBlockTable, block_table_.data(), DType::kI32,
      {num_sequences_, per_sequence(block_table_.size())});
  set(InputKind::kRopeFrequencies, rope_frequencies_.data(), DType::kF32,
      {num_sequences_, per_sequence(rope_frequencies_.size())});
  set(InputKind::kLogitRows, logit_rows_.data(), DType::kI32, {static_cast<int64_t>(logit_rows_.size())});
  return inputs;
}

}  // namespace caravan
