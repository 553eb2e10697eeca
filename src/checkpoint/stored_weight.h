// A tensor as it lies in its file, whatever the format, and its rows in a dtype.
//
// This is where formats meet what loads weights. Rows come out as numbers: blocks are expanded. What takes
// blocks as they are (block_weight.cpp) gets them from here too: `bytes` are whole blocks, row after row, and
// source_row() says in which order.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "checkpoint/gguf/ggml_type.h"
#include "tensor/view.h"

namespace caravan {

/// How the elements of a row are written: one by one, or in blocks that share their scales.
struct Encoding {
  DType dtype = DType::kF32;       ///< of the elements; what blocks become if nobody asks for another dtype
  std::optional<GgmlType> blocks;  ///< nothing: elements one by one
  size_t block_elements = 1;
  size_t block_bytes = sizeof(float);
};

struct StoredWeight {
  const MappedFile* file = nullptr;
  std::span<const std::byte> bytes;
  std::string name;                  ///< Hugging Face's name for it
  std::string type_name;             ///< as the file spells it: "BF16", "Q4_K"
  std::optional<Encoding> encoding;  ///< nothing: not one that Caravan reads weights from
  Shape shape;
  /// Not 0: llama.cpp's order of the rows of each head, which are so many: pairs that rope turns together
  /// (i and i + head_rows / 2) are neighbours.
  int64_t head_rows = 0;
};

/// Where row `row` of the weight lies among the stored rows.
int64_t source_row(const StoredWeight& weight, int64_t row);

/// "FILE: the tensor "NAME"", for messages.
std::string where_is(const StoredWeight& weight);

/// Whether the bytes are the weight itself in `dtype`, aligned to its elements.
bool is_stored_as(const StoredWeight& weight, DType dtype);

/// Writes the weight's rows `first` to `first + count` - 1 (elements, of a vector), to `rows` of any floating
/// dtype, on this thread alone; releases their file pages. Needs an encoding. Throws Error when a finite
/// element is too large for fp16.
void read_rows(const StoredWeight& weight, int64_t first, int64_t count, const TensorView& rows);

/// Throws Error, beginning with `where`, unless all `count` values are finite.
void require_finite(const float* values, int64_t count, const std::string& where);

/// Writes all of it on every core. The file's pages leave memory as soon as they are read, so that the peak
/// is the target and a few chunks.
void read_weight(const StoredWeight& weight, const TensorView& target);

}  // namespace caravan
