// The values of an int8 weight that keeps only what is not 0 (tensor/quantization.h): masks become vectors of
// values again, a Source of panel_from_source.h.
//
// An Unmask puts kept values where the bits of a mask are, and zeros elsewhere. It reads 64 bytes from where
// they lie, whatever the mask. Thread safety: pure functions; a source belongs to one thread.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/common/panel_from_source.h"

namespace caravan::cpu {
namespace {

/// Values of a mask.
constexpr Index kMasked = 64;

/// For each mask of 8 values the order in which a shuffle takes them from 8 kept ones; 128 makes a zero.
struct UnmaskOrders {
  unsigned char of[256][8] = {};
};

constexpr UnmaskOrders unmask_orders() {
  UnmaskOrders orders;
  for (int mask = 0; mask < 256; ++mask) {
    unsigned char next = 0;
    for (int i = 0; i < 8; ++i) {
      const bool kept = (mask >> i) % 2 != 0;
      orders.of[mask][i] = kept ? next : static_cast<unsigned char>(128);
      if (kept) ++next;
    }
  }
  return orders;
}
constexpr UnmaskOrders kUnmaskOrders = unmask_orders();

/// Eight at a time, by a shuffle that every AVX2 CPU has.
struct ShuffleUnmask {
  static void store(unsigned long mask, const signed char* kept, signed char* to) {
    for (Index i = 0; i < kMasked; i += 8, mask >>= 8U) {
      const unsigned long eight = mask % 256;
      const __m128i values = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kept));
      const __m128i order = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kUnmaskOrders.of[eight]));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i), _mm_shuffle_epi8(values, order));
      kept += __builtin_popcountl(eight);
    }
  }
};

/// A sparse panel that is read from its first value to its last.
template <typename Unmask>
class SparseSource {
 public:
  explicit SparseSource(const QuantizedTask& task)
      : masks_(static_cast<const char*>(task.panel.panel) + task.weight.masks), kept_(values_of(task)) {}

  /// The next step, to `to` [64, 4].
  void store_step(signed char* to) {
    ask_for_step();
    for (Index v = 0; v < kStepVectors; ++v, to += kMasked) {
      const signed char* values = nullptr;
      const unsigned long mask = next(values);
      Unmask::store(mask, values, to);
    }
  }

  /// The same in registers, of an Unmask that has them.
  template <typename Vector>
  void load_step(Vector (&weights)[kStepVectors]) {
    ask_for_step();
    for (Vector& weight : weights) {
      const signed char* values = nullptr;
      const unsigned long mask = next(values);
      weight = Unmask::load(mask, values);
    }
  }

 private:
  /// The next mask, and where its values lie.
  unsigned long next(const signed char*& values) {
    unsigned long mask = 0;
    __builtin_memcpy(&mask, masks_, sizeof mask);
    masks_ += sizeof mask;
    values = kept_;
    kept_ += __builtin_popcountl(mask);
    return mask;
  }

  /// One step's masks, and its values where half of all are kept.
  void ask_for_step() const {
    ask_to_expand(masks_);
    ask_to_expand(kept_);
    ask_to_expand(kept_ + kLine);
  }

  const char* masks_;
  const signed char* kept_;
};

}  // namespace
}  // namespace caravan::cpu
