// Which tokens of which sequences the next step computes. Policy only: it sees lengths, no tensors and no
// device.
//
// Every sequence has `tokens` (prompt and output so far), of which `computed` have their keys and values in
// the cache. A sequence that lacks one token decodes; one that lacks more prefills, in pieces if the step is
// full. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan {

struct SequenceLengths {
  int64_t tokens = 0;
  int64_t computed = 0;
};

/// Compute tokens `computed` .. `computed + count - 1` of sequence `index`.
struct StepPart {
  size_t index = 0;
  int64_t count = 0;
};

/// The next step over `sequences`, in their order: every decode first, then as much prefill as fits into
/// `max_batch_tokens` in all. A step is never empty while a sequence lacks a token; decodes are never left
/// out.
std::vector<StepPart> plan_step(std::span<const SequenceLengths> sequences, int64_t max_batch_tokens);

}  // namespace caravan
