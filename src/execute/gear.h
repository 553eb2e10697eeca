// A gear: a decode step of a fixed number of sequences, captured once and replayed.
// Invariants: the inputs' addresses never change, so that a program may be bound to them. Thread safety: one
// step at a time.
#pragma once

#include <optional>

#include "execute/program.h"
#include "execute/step.h"
#include "tensor/buffer.h"

namespace caravan {

/// The gear for a step of `sequences`: 1, 2, 3, 4, then two between each power of two and the next, 16 apart
/// from 64 on, `max_sequences` being the last. A step runs with as many rows as its gear has.
int64_t gear_size(int64_t sequences, int64_t max_sequences);

/// Whether each sequence of `step` has one token, in order, and all logits are wanted: what gears are for.
bool decodes_every_sequence(const StepTensors& step);

/// The inputs of a decode step, at addresses of their own.
class GearInputs {
 public:
  GearInputs(int64_t sequences, int64_t blocks_per_sequence, int64_t half_head_dim);

  [[nodiscard]] StepInputs views() const;
  /// Copies the inputs of a step of at most as many sequences; the rows beyond become padding.
  void fill(const StepInputs& inputs);

 private:
  [[nodiscard]] const Tensor& at(InputKind kind) const { return tensors_.at(static_cast<size_t>(kind)); }

  std::array<Tensor, kInputCount> tensors_;  ///< by InputKind
};

struct Gear {
  Gear(int64_t sequences, int64_t blocks_per_sequence, int64_t half_head_dim)
      : inputs(sequences, blocks_per_sequence, half_head_dim) {}
  GearInputs inputs;
  std::optional<Program> program;
};

}  // namespace caravan
