// A quantised weight's numbers, one at a time, from where tensor/quantization.h says that they lie.
// Thread safety: pure functions.
#pragma once

#include <cstring>

#include "ops/packed_linear.h"

namespace caravan::reference {

/// The numbers of the weight of `args`, which is quantised.
class QuantizedBlob {
 public:
  explicit QuantizedBlob(const PackedLinearArgs& args)
      : bytes_(static_cast<const uint8_t*>(args.weight.data)),
        format_(args.format),
        layout_(chunk_layout(args.format, args.in)),
        groups_(groups_of(args.format.weight, args.in)),
        group_(args.in / groups_) {}

  [[nodiscard]] float scale(int64_t o, int64_t i) const {
    const uint8_t* scales = chunk(o, i);
    switch (format_.scale) {
      case DType::kF16:
        return to_float(at<Half>(scales, o % kPanelOutputs));
      case DType::kBF16:
        return to_float(at<BFloat16>(scales, o % kPanelOutputs));
      default:
        return at<float>(scales, o % kPanelOutputs);
    }
  }

  [[nodiscard]] int32_t zero(int64_t o, int64_t i) const {
    return format_.weight.zero_points ? at<int8_t>(chunk(o, i) + layout_.zeros, o % kPanelOutputs) : 0;
  }

  [[nodiscard]] int32_t value(int64_t o, int64_t i) const {
    const uint8_t* values = chunk(o, i) + layout_.values;
    const int64_t place = chunk_place(format_, o % kPanelOutputs, i % group_);
    if (format_.weight.bits == 8) return at<int8_t>(values, place);
    const NibblePlace nibble = nibble_place(format_, place);
    const int32_t both = values[nibble.byte];
    return (nibble.upper ? both / 16 : both % 16) - 8;
  }

 private:
  template <typename T>
  static T at(const uint8_t* from, int64_t index) {
    T element{};
    std::memcpy(&element, from + static_cast<size_t>(index) * sizeof element, sizeof element);
    return element;
  }

  [[nodiscard]] const uint8_t* chunk(int64_t o, int64_t i) const {
    return bytes_ + (o / kPanelOutputs * groups_ + i / group_) * layout_.bytes;
  }

  const uint8_t* bytes_;
  QuantizedFormat format_;
  ChunkLayout layout_;
  int64_t groups_;
  int64_t group_;
};

}  // namespace caravan::reference
