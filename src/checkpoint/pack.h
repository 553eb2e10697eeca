// Lays weights out in panels (tensor/panels.h) while they are read.
// Thread safety: pure functions; each call starts and joins threads of its own.
#pragma once

#include <functional>
#include <vector>

#include "tensor/panels.h"
#include "tensor/view.h"

namespace caravan {

/// Rows of the packed weight that follow each other there and in their source.
struct PackedRows {
  int64_t source = 0;  ///< which source
  int64_t first = 0;   ///< its first row there
  int64_t count = 0;
  int64_t place = 0;  ///< the first output of the panel, 0 .. 63, that they become
};

/// The rows of each panel, for sources of so many rows each: one below the other, or by turns kInterleave of
/// each of two.
std::vector<std::vector<PackedRows>> rows_of_panels(const std::vector<int64_t>& source_rows,
                                                    bool interleaved);

/// Writes the rows `first` to `first + count` - 1 of source `source`, in the target's dtype, one below the
/// other. Called from several threads at once.
using ReadRows = std::function<void(int64_t source, int64_t first, int64_t count, const TensorView& rows)>;

/// Fills `panels`, of panel_shape() and all zero, from sources of so many rows each.
void pack_panels(const std::vector<int64_t>& source_rows, bool interleaved, int64_t in, const ReadRows& read,
                 const TensorView& panels);

}  // namespace caravan
