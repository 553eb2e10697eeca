#include "checkpoint/pack.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "checkpoint/threads.h"
#include "tensor/buffer.h"

namespace caravan {

namespace {

/// Inputs that are transposed at a time: their part of a panel, 16 KB in fp32, stays in the L1 cache.
constexpr int64_t kBlockInputs = 64;

/// Writes one panel's rows, [64, in] with zeros where there is none, as [steps, 64, step].
template <typename T>
void transpose(const T* rows, int64_t in, int64_t step, T* panel) {
  for (int64_t begin = 0; begin < in; begin += kBlockInputs) {
    const int64_t end = std::min(in, begin + kBlockInputs);
    for (int64_t output = 0; output < kPanelOutputs; ++output) {
      const T* row = rows + output * in;
      for (int64_t i = begin; i < end; ++i)
        panel[(i / step * kPanelOutputs + output) * step + i % step] = row[i];
    }
  }
}

void transpose(const Tensor& rows, int64_t panel, const TensorView& panels) {
  const int64_t in = rows.shape()[1];
  const int64_t step = panels.shape[3];
  const int64_t first = panel * panels.shape[1] * kPanelOutputs * step;
  if (panels.dtype == DType::kF32) {
    transpose(rows.as<uint32_t>(), in, step, panels.as<uint32_t>() + first);
  } else {
    transpose(rows.as<uint16_t>(), in, step, panels.as<uint16_t>() + first);
  }
}

/// The part of `rows` that holds row `first` and the next `count` - 1.
TensorView slice(const Tensor& rows, int64_t first, int64_t count) {
  const int64_t in = rows.shape()[1];
  const size_t offset = static_cast<size_t>(first * in) * size_of(rows.dtype());
  return {static_cast<char*>(rows.view().data) + offset, rows.dtype(), {count, in}};
}

}  // namespace

std::vector<std::vector<PackedRows>> rows_of_panels(const std::vector<int64_t>& source_rows,
                                                    bool interleaved) {
  std::vector<std::vector<PackedRows>> panels;
  int64_t output = 0;  // of the packed weight
  const auto add = [&](int64_t source, int64_t first, int64_t count) {
    while (count > 0) {
      const int64_t place = output % kPanelOutputs;
      const int64_t fits = std::min(count, kPanelOutputs - place);
      panels.resize(static_cast<size_t>(output / kPanelOutputs + 1));
      panels.back().push_back({source, first, fits, place});
      first += fits;
      output += fits;
      count -= fits;
    }
  };
  if (!interleaved) {
    for (size_t s = 0; s < source_rows.size(); ++s) add(static_cast<int64_t>(s), 0, source_rows[s]);
    return panels;
  }
  CARAVAN_CHECK(source_rows.size() == 2 && source_rows[0] == source_rows[1]);
  for (int64_t first = 0; first < source_rows[0]; first += kInterleave) {
    const int64_t count = std::min(kInterleave, source_rows[0] - first);
    for (int64_t source = 0; source < 2; ++source) {
      output = (output + kInterleave - 1) / kInterleave * kInterleave;
      add(source, first, count);
    }
  }
  return panels;
}

void pack_panels(const std::vector<int64_t>& source_rows, bool interleaved, int64_t in, const ReadRows& read,
                 const TensorView& panels) {
  const std::vector<std::vector<PackedRows>> plan = rows_of_panels(source_rows, interleaved);
  CARAVAN_CHECK_EQ(static_cast<int64_t>(plan.size()), panels.shape[0]);
  for_each_in_parallel(plan.size(), [&](size_t panel) {
    const Tensor rows(panels.dtype, {kPanelOutputs, in});
    for (const PackedRows& part : plan[panel])
      read(part.source, part.first, part.count, slice(rows, part.place, part.count));
    transpose(rows, static_cast<int64_t>(panel), panels);
  });
}

}  // namespace caravan
