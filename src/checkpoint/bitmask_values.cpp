#include "checkpoint/bitmask_values.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace caravan {

namespace {

/// Of all outputs, and behind them how many numbers there are: [out + 1].
using Offsets = std::vector<int64_t>;

Offsets offsets_of(const StoredWeight& stored, int64_t out, int64_t in, int64_t count) {
  require_part(stored, {"I64"}, {{out}});
  Offsets offsets(static_cast<size_t>(out));
  std::memcpy(offsets.data(), stored.bytes.data(), offsets.size() * sizeof(int64_t));
  offsets.push_back(count);
  if (offsets.front() != 0)
    fail(where_is(stored), " begins with the offset ", offsets.front(), ", expected 0");
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    // Both are within 0 .. count, or would have failed before.
    const int64_t next = offsets[row + 1];
    if (next >= offsets[row] && next <= count && next - offsets[row] <= in) continue;
    fail(where_is(stored), " has output ", row, " end at ", next, " of ", count, " numbers, expected from ",
         offsets[row], " to ", std::min(offsets[row] + in, count));
  }
  return offsets;
}

/// What the numbers of some outputs are read from.
struct BitmaskSource {
  StoredWeight compressed;
  StoredWeight bits;
  Offsets offsets;
  int64_t in = 0;
  int bits_of_number = 8;

  void read_row(int64_t row, int8_t* to) const;
  void require_number(int8_t number) const;
};

void BitmaskSource::require_number(int8_t number) const {
  if (bits_of_number == 8 || (number >= -8 && number <= 7)) return;
  fail(where_is(compressed), " holds the number ", static_cast<int>(number),
       ", expected numbers from -8 to 7 by num_bits 4 of config.json");
}

void BitmaskSource::read_row(int64_t row, int8_t* to) const {
  const auto width = static_cast<size_t>(bitmask_bytes(in));
  const auto mask = bits.bytes.subspan(static_cast<size_t>(row) * width, width);
  int64_t set = 0;
  for (const std::byte byte : mask) set += std::popcount(std::to_integer<uint8_t>(byte));
  const auto index = static_cast<size_t>(row);
  const int64_t stored = offsets[index + 1] - offsets[index];
  const auto past = std::to_integer<unsigned>(mask.back()) >> (in - 1) % 8 >> 1U;
  if (set != stored || past != 0) {
    fail(where_is(bits), " has ", set, past == 0 ? " bits" : " bits, some beyond its inputs,", " in output ",
         row, ", expected one for each of its ", stored, " numbers");
  }
  const std::byte* from = compressed.bytes.data() + offsets[index];
  for (int64_t i = 0; i < in; ++i) {
    const bool is_stored = (std::to_integer<unsigned>(mask[static_cast<size_t>(i / 8)]) >> (i % 8) & 1U) != 0;
    to[i] = is_stored ? static_cast<int8_t>(std::to_integer<uint8_t>(*from++)) : int8_t{0};
    require_number(to[i]);
  }
}

}  // namespace

void set_bitmask(MatrixParts& parts, const std::string& module, const StoredWeight& compressed,
                 const StoredTensors& tensors) {
  require_part(compressed, {"I8"}, {{compressed.shape.elements()}});
  const StoredWeight& shape = part_of(tensors, module, "shape", compressed);
  const StoredWeight& bits = part_of(tensors, module, "bitmask", compressed);
  const StoredWeight& offsets = part_of(tensors, module, "row_offsets", compressed);
  std::tie(parts.out, parts.in) = stored_shape(shape);
  require_part(bits, {"U8"}, {{parts.out, bitmask_bytes(parts.in)}});
  auto source = std::make_shared<BitmaskSource>();
  source->compressed = compressed;
  source->bits = bits;
  source->offsets = offsets_of(offsets, parts.out, parts.in, compressed.shape.elements());
  source->in = parts.in;
  source->bits_of_number = parts.quant.bits;
  for (size_t row = 0; row + 1 < source->offsets.size(); ++row)
    parts.row_kept = std::max(parts.row_kept, source->offsets[row + 1] - source->offsets[row]);
  parts.stored.insert(parts.stored.end(), {shape, bits, offsets});
  parts.read_values = [source = std::shared_ptr<const BitmaskSource>(source)](int64_t first, int64_t count,
                                                                              int8_t* to) {
    for (int64_t row = 0; row < count; ++row) source->read_row(first + row, to + row * source->in);
    const int64_t begin = source->offsets[static_cast<size_t>(first)];
    const int64_t end = source->offsets[static_cast<size_t>(first + count)];
    source->compressed.file->release(
        source->compressed.bytes.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
  };
}

}  // namespace caravan
