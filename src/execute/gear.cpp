#include "execute/gear.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/error.h"

namespace caravan {

int64_t gear_size(int64_t sequences, int64_t max_sequences) {
  CARAVAN_CHECK(sequences >= 1 && sequences <= max_sequences);
  constexpr int64_t kEven = 64;
  constexpr int64_t kStep = 16;  // above kEven padding costs at most a quarter
  int64_t size = 0;
  if (sequences <= 4) {
    size = sequences;
  } else if (sequences > kEven) {
    size = (sequences + kStep - 1) / kStep * kStep;
  } else {
    const auto power = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(sequences)));
    const int64_t between = power / 4 * 3;
    size = sequences <= between ? between : power;
  }
  return std::min(size, max_sequences);
}

bool decodes_every_sequence(const StepTensors& step) {
  const ConstTensorView& sequences = step.input(InputKind::kSequences);
  const ConstTensorView& rows = step.input(InputKind::kLogitRows);
  const int64_t tokens = sequences.shape[0];
  if (step.input(InputKind::kBlockTable).shape[0] != tokens || rows.shape[0] != tokens) return false;
  for (int64_t t = 0; t < tokens; ++t) {
    if (sequences.as<int32_t>()[t] != t || rows.as<int32_t>()[t] != t) return false;
  }
  return true;
}

GearInputs::GearInputs(int64_t sequences, int64_t blocks_per_sequence, int64_t half_head_dim) {
  const auto set = [this](InputKind kind, DType dtype, const Shape& shape) {
    tensors_.at(static_cast<size_t>(kind)) = Tensor(dtype, shape);
  };
  set(InputKind::kTokenIds, DType::kI32, {sequences});
  set(InputKind::kPositions, DType::kI32, {sequences});
  set(InputKind::kSequences, DType::kI32, {sequences});
  set(InputKind::kBlockTable, DType::kI32, {sequences, blocks_per_sequence});
  set(InputKind::kRopeFrequencies, DType::kF32, {sequences, half_head_dim});
  set(InputKind::kLogitRows, DType::kI32, {sequences});
  auto* rows = at(InputKind::kLogitRows).as<int32_t>();
  std::iota(rows, rows + sequences, 0);
}

StepInputs GearInputs::views() const {
  StepInputs views;
  for (size_t i = 0; i < kInputCount; ++i) views.at(i) = tensors_.at(i).view();
  return views;
}

void GearInputs::fill(const StepInputs& inputs) {
  const int64_t size = at(InputKind::kTokenIds).shape()[0];
  const auto copy = [&](InputKind kind, int32_t padding) {
    const ConstTensorView& from = inputs.at(static_cast<size_t>(kind));
    auto* to = at(kind).as<int32_t>();
    std::copy_n(from.as<int32_t>(), from.shape[0], to);
    std::fill(to + from.shape[0], to + size, padding);
  };
  copy(InputKind::kTokenIds, -1);
  copy(InputKind::kPositions, 0);
  copy(InputKind::kSequences, -1);
  // A padding row looks at neither its frequencies nor its blocks.
  const ConstTensorView& frequencies = inputs.at(static_cast<size_t>(InputKind::kRopeFrequencies));
  std::copy_n(frequencies.as<float>(), frequencies.shape.elements(),
              at(InputKind::kRopeFrequencies).as<float>());
  const ConstTensorView& table = inputs.at(static_cast<size_t>(InputKind::kBlockTable));
  const int64_t columns = at(InputKind::kBlockTable).shape()[1];
  CARAVAN_CHECK(table.shape[0] <= size && table.shape[1] <= columns);
  for (int64_t s = 0; s < table.shape[0]; ++s) {
    std::copy_n(table.as<int32_t>() + s * table.shape[1], table.shape[1],
                at(InputKind::kBlockTable).as<int32_t>() + s * columns);
  }
}

}  // namespace caravan
