#include "checkpoint/stored_weight.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Elements in one piece of work: a few megabytes, which amortises handing it out and keeps the peak low.
constexpr int64_t kChunk = int64_t{1} << 20U;

template <typename T>
bool is_finite(const std::byte* element) {
  T value;
  std::memcpy(&value, element, sizeof value);
  return std::isfinite(to_float(value));
}

/// Whether a stored element of `dtype`, at any alignment, is neither infinite nor NaN.
bool is_finite(const std::byte* element, DType dtype) {
  if (dtype == DType::kF32) return is_finite<float>(element);
  return dtype == DType::kBF16 ? is_finite<BFloat16>(element) : is_finite<Half>(element);
}

/// Throws Error if a finite element of `source` became infinite in the `count` halves of `target`.
void refuse_overflow(const std::byte* source, DType source_dtype, const Half* target, size_t count,
                     const StoredWeight& weight) {
  constexpr uint16_t kExponent = 0x7C00;
  for (size_t i = 0; i < count; ++i) {
    if ((target[i].bits & kExponent) == kExponent &&
        is_finite(source + i * size_of(source_dtype), source_dtype)) {
      fail(where_is(weight),
           " holds a number too large for fp16, expected --dtype bf16 or fp32 for this checkpoint");
    }
  }
}

/// Writes `count` elements of `dtype` at any alignment to `target`, of dtype `to`.
void convert(const std::byte* source, DType dtype, std::byte* target, DType to, size_t count,
             const StoredWeight& weight) {
  if (dtype == to) {
    std::memcpy(target, source, count * size_of(dtype));
    return;
  }
  if (reinterpret_cast<uintptr_t>(source) % size_of(dtype) == 0) {
    convert_elements(source, dtype, target, to, count);
  } else {
    const std::vector<std::byte> copy(source, source + count * size_of(dtype));
    convert_elements(copy.data(), dtype, target, to, count);
  }
  if (to == DType::kF16) refuse_overflow(source, dtype, reinterpret_cast<const Half*>(target), count, weight);
}

/// Writes the elements of `source`, whole blocks, to `target`.
void expand(std::span<const std::byte> source, const Encoding& encoding, std::byte* target, DType to,
            const StoredWeight& weight) {
  std::array<float, kMaxBlockElements> values{};
  for (size_t at = 0; at < source.size(); at += encoding.block_bytes) {
    expand_blocks(*encoding.blocks, source.subspan(at, encoding.block_bytes), values.data());
    convert(reinterpret_cast<const std::byte*>(values.data()), DType::kF32, target, to,
            encoding.block_elements, weight);
    target += encoding.block_elements * size_of(to);
  }
}

int64_t row_elements(const StoredWeight& weight) {
  return weight.shape.rank() < 2 ? 1 : weight.shape.elements() / std::max<int64_t>(1, weight.shape[0]);
}

int64_t row_count(const StoredWeight& weight) { return weight.shape.rank() == 0 ? 1 : weight.shape[0]; }

size_t bytes_of_elements(const Encoding& encoding, int64_t elements) {
  return static_cast<size_t>(elements) / encoding.block_elements * encoding.block_bytes;
}

}  // namespace

int64_t source_row(const StoredWeight& weight, int64_t row) {
  if (weight.head_rows == 0) return row;
  const int64_t half = weight.head_rows / 2;
  const int64_t in_head = row % weight.head_rows;
  return row - in_head + in_head % half * 2 + in_head / half;
}

std::string where_is(const StoredWeight& weight) {
  return weight.file->path().string() + ": the tensor " + in_quotes(weight.name);
}

bool is_stored_as(const StoredWeight& weight, DType dtype) {
  return weight.encoding.has_value() && !weight.encoding->blocks.has_value() && weight.head_rows == 0 &&
         weight.encoding->dtype == dtype &&
         reinterpret_cast<uintptr_t>(weight.bytes.data()) % size_of(dtype) == 0;
}

void read_rows(const StoredWeight& weight, int64_t first, int64_t count, const TensorView& rows) {
  const Encoding& encoding = *weight.encoding;
  const int64_t width = row_elements(weight);
  CARAVAN_CHECK_EQ(rows.shape.elements(), count * width);
  const size_t stored = bytes_of_elements(encoding, width);
  // Rows that follow each other in the file are read as one.
  const int64_t run = weight.head_rows == 0 ? count : 1;
  auto* target = static_cast<std::byte*>(rows.data);
  for (int64_t row = first; row < first + count; row += run) {
    const std::span<const std::byte> source = weight.bytes.subspan(
        static_cast<size_t>(source_row(weight, row)) * stored, static_cast<size_t>(run) * stored);
    if (encoding.blocks.has_value()) {
      expand(source, encoding, target, rows.dtype, weight);
    } else {
      convert(source.data(), encoding.dtype, target, rows.dtype, static_cast<size_t>(run * width), weight);
    }
    target += static_cast<size_t>(run * width) * size_of(rows.dtype);
  }
  // Rows in llama.cpp's order stay within their head: all heads that were touched are let go.
  const int64_t unit = std::max<int64_t>(1, weight.head_rows);
  const int64_t begin = first / unit * unit;
  const int64_t end = (first + count + unit - 1) / unit * unit;
  weight.file->release(
      weight.bytes.subspan(static_cast<size_t>(begin) * stored, static_cast<size_t>(end - begin) * stored));
}

void require_finite(const float* values, int64_t count, const std::string& where) {
  const float* const end = values + count;
  const float* const wrong = std::find_if(values, end, [](float value) { return !std::isfinite(value); });
  if (wrong != end) fail(where, " holds ", *wrong, ", expected finite numbers, which alone can be quantised");
}

void read_weight(const StoredWeight& weight, const TensorView& target) {
  const int64_t width = row_elements(weight);
  const int64_t rows = row_count(weight);
  const int64_t at_once = std::max<int64_t>(1, kChunk / std::max<int64_t>(1, width));
  for_each_in_parallel(static_cast<size_t>((rows + at_once - 1) / at_once), [&](size_t chunk) {
    const int64_t first = static_cast<int64_t>(chunk) * at_once;
    const int64_t count = std::min(at_once, rows - first);
    std::byte* to =
        static_cast<std::byte*>(target.data) + static_cast<size_t>(first * width) * size_of(target.dtype);
    read_rows(weight, first, count, {to, target.dtype, {count, width}});
  });
}

}  // namespace caravan
