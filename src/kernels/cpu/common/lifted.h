// The values of a weight of 4 bits that is lifted to int8 (tensor/quantization.h): a Source of
// panel_from_source.h, for any vector of bytes I that multiplies 16-bit numbers.
//
// A nibble that is moved to the top of 16 bits is 4096 q, and the rounded upper half of twice its product
// with a factor is what the format wants: (4096 q factor + 2^14) >> 15. Thread safety: pure functions; a
// source belongs to one thread.
#pragma once

#include "kernels/cpu/common/panel_from_source.h"

namespace caravan::cpu {
namespace {

template <typename I>
class LiftedSource {
 public:
  explicit LiftedSource(const QuantizedTask& task)
      : from_(static_cast<const char*>(task.panel.panel) + task.weight.values),
        group_steps_(steps_of(task.weight.group)) {}

  /// The next step, to `to` [64, 4].
  void store_step(signed char* to) {
    Vector weights[kVectors];
    load_step(weights);
    for (Index v = 0; v < kVectors; ++v) I::store_bytes(to + v * I::kBytes, weights[v]);
  }

  /// The same in registers.
  void load_step(typename I::F (&weights)[kStepValues / I::kBytes]) {
    if (left_ == 0) begin_group();
    --left_;
    ask_to_expand(from_);
    ask_to_expand(from_ + kLine);
    for (Index part = 0; part < kParts; ++part) {
      const Vector low = I::load_bytes(from_ + part * I::kBytes);
      const Vector high = I::load_bytes(from_ + kLine + part * I::kBytes);
      const auto lifted = [&](auto nibble) {
        constexpr int kNibble = decltype(nibble)::kValue;
        const Factors& factors = factors_[kNibble * kParts + part];
        weights[kNibble * kParts + part] = I::pack(I::template lift<kNibble>(low, factors.low),
                                                   I::template lift<kNibble>(high, factors.high));
      };
      lifted(Nibble<0>{});
      lifted(Nibble<1>{});
      lifted(Nibble<2>{});
      lifted(Nibble<3>{});
    }
    from_ += 2 * kLine;
  }

 private:
  using Vector = typename I::F;
  template <int kIndex>
  struct Nibble {
    static constexpr int kValue = kIndex;
  };
  /// Of a vector of values: for bytes 0 to 7 and 8 to 15 of each 16, as 16-bit numbers.
  struct Factors {
    Vector low;
    Vector high;
  };
  /// Vectors of a line of 64 bytes, and of a step.
  static constexpr Index kParts = kLine / I::kBytes;
  static constexpr Index kVectors = kStepValues / I::kBytes;

  void begin_group() {
    ask_to_expand(from_);
    for (Index v = 0; v < kVectors; ++v) {
      // Of 16 outputs, of which a vector has all or some.
      const char* factors = from_ + v / kParts * 16;
      factors_[v] = {I::spread_factors(factors, v % kParts, 0), I::spread_factors(factors, v % kParts, 2)};
    }
    from_ += kPanel;
    left_ = group_steps_;
  }

  const char* from_;
  Index group_steps_;
  Index left_ = 0;  ///< steps of the group
  Factors factors_[kVectors];
};

}  // namespace
}  // namespace caravan::cpu
