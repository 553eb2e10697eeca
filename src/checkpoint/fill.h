// Fills weight buffers: by converting stored elements, or by drawing random ones. Whole weights use every
// core. Thread safety: pure functions, which join the threads that they start.
#pragma once

#include <string>

#include "base/file.h"
#include "tensor/view.h"

namespace caravan {

/// Writes `source`, elements of `source_dtype` inside `file` at any alignment, to `target` (of any floating
/// dtype, as many elements). The file's pages leave memory as soon as they are read, so that the peak is the
/// target and a few chunks. `where` names file and tensor. Throws Error when a finite element is too large
/// for an fp16 target.
void convert_weight(const MappedFile& file, std::span<const std::byte> source, DType source_dtype,
                    const TensorView& target, const std::string& where);

/// The same on this thread alone, for a part of a weight.
void convert_part(const MappedFile& file, std::span<const std::byte> source, DType source_dtype,
                  const TensorView& target, const std::string& where);

/// Draws `target`, of any floating dtype: the same values for the same name, up to the dtype's rounding, on
/// any machine and any number of threads. Norms are 1, biases 0, the rest uniform with standard deviation
/// 0.02.
void draw_dummy_weight(const std::string& name, const TensorView& target);

}  // namespace caravan
