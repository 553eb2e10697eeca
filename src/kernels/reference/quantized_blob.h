// A quantised weight's numbers, one at a time, from where tensor/quantization.h says that they lie.
// Thread safety: none, because a sparse panel is expanded when it is first asked for; each lane has its own.
#pragma once

#include <cstring>
#include <vector>

#include "ops/packed_linear.h"

namespace caravan::reference {

/// The numbers of the weight of `args`, which is quantised.
class QuantizedBlob {
 public:
  explicit QuantizedBlob(const PackedLinearArgs& args)
      : bytes_(static_cast<const uint8_t*>(args.weight.data)),
        format_(args.format),
        layout_(chunk_layout(args.format, args.in)),
        chunks_(chunks_of(args.format, args.in)),
        width_(args.in / chunks_),
        group_(args.in / groups_of(args.format.weight, args.in)),
        expanded_(format_.row_kept == 0 ? 0 : static_cast<size_t>(args.weight.shape[0])) {}

  [[nodiscard]] float scale(int64_t o, int64_t i) const {
    return of_group(chunk(o, i), layout_.multiples, o, i);
  }

  /// 0 where there are none.
  [[nodiscard]] float minimum(int64_t o, int64_t i) const {
    if (!format_.weight.minimums) return 0.0F;
    return of_group(chunk(o, i) + layout_.minimums, layout_.minimum_multiples - layout_.minimums, o, i);
  }

  [[nodiscard]] int32_t zero(int64_t o, int64_t i) const {
    if (format_.weight.minimums) return unsigned_zero(format_.weight);
    return format_.weight.zero_points ? at<int8_t>(chunk(o, i) + layout_.zeros, o % kPanelOutputs) : 0;
  }

  [[nodiscard]] int32_t value(int64_t o, int64_t i) {
    if (format_.row_kept != 0) return sparse_value(o, i);
    if (is_lifted(format_)) return lifted_value(o, i);
    const uint8_t* values = chunk(o, i) + layout_.values;
    const int64_t place = chunk_place(format_, o % kPanelOutputs, i % width_);
    return format_.weight.bits == 8 ? at<int8_t>(values, place) : nibble_at(values, place);
  }

 private:
  template <typename T>
  static T at(const uint8_t* from, int64_t index) {
    T element{};
    std::memcpy(&element, from + static_cast<size_t>(index) * sizeof element, sizeof element);
    return element;
  }

  [[nodiscard]] const uint8_t* chunk(int64_t o, int64_t i) const {
    return bytes_ + (o / kPanelOutputs * chunks_ + i / width_) * layout_.bytes;
  }

  [[nodiscard]] int32_t nibble_at(const uint8_t* values, int64_t place) const {
    const NibblePlace nibble = nibble_place(format_, place);
    const int32_t both = values[nibble.byte];
    return (nibble.upper ? both / 16 : both % 16) - 8;
  }

  [[nodiscard]] int32_t lifted_value(int64_t o, int64_t i) const {
    const uint8_t* factors = chunk(o, i) + layout_.values + i / group_ * layout_.group_bytes;
    const int64_t place = chunk_place(format_, o % kPanelOutputs, i % group_);
    return lifted(factors[o % kPanelOutputs], nibble_at(factors + kPanelOutputs, place));
  }

  /// What all groups of a chunk have at `numbers`, times what this one has `multiples` bytes on, if it is of
  /// a block.
  [[nodiscard]] float of_group(const uint8_t* numbers, int64_t multiples, int64_t o, int64_t i) const {
    const float number = float_at(numbers, o % kPanelOutputs);
    if (format_.weight.block == 0) return number;
    const int64_t group = i % width_ / format_.weight.group;
    return number *
           static_cast<float>(at<int8_t>(numbers + multiples, group * kPanelOutputs + o % kPanelOutputs));
  }

  [[nodiscard]] float float_at(const uint8_t* numbers, int64_t index) const {
    switch (format_.scale) {
      case DType::kF16:
        return to_float(at<Half>(numbers, index));
      case DType::kBF16:
        return to_float(at<BFloat16>(numbers, index));
      default:
        return at<float>(numbers, index);
    }
  }

  [[nodiscard]] int32_t sparse_value(int64_t o, int64_t i) {
    std::vector<int8_t>& panel = expanded_[static_cast<size_t>(o / kPanelOutputs)];
    if (panel.empty()) panel = expanded(chunk(o, i));
    return panel[static_cast<size_t>(chunk_place(format_, o % kPanelOutputs, i))];
  }

  /// All values of a sparse chunk, in its order.
  [[nodiscard]] std::vector<int8_t> expanded(const uint8_t* from) const {
    std::vector<int8_t> values(static_cast<size_t>(layout_.inputs * kPanelOutputs));
    int64_t kept = 0;
    for (size_t place = 0; place < values.size(); ++place) {
      const auto mask = at<uint64_t>(from + layout_.masks, static_cast<int64_t>(place) / kMaskedValues);
      if ((mask >> (place % kMaskedValues) & 1U) != 0)
        values[place] = at<int8_t>(from + layout_.values, kept++);
    }
    return values;
  }

  const uint8_t* bytes_;
  QuantizedFormat format_;
  ChunkLayout layout_;
  int64_t chunks_;                             ///< of a panel
  int64_t width_;                              ///< inputs of a chunk
  int64_t group_;                              ///< inputs of a group
  std::vector<std::vector<int8_t>> expanded_;  ///< [panels]: of a sparse weight, empty until asked for
};

}  // namespace caravan::reference
