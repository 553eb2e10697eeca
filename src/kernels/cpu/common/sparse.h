// One panel of an int8 weight that keeps only what is not 0 (tensor/quantization.h) against quantised rows:
// masks become vectors of values again, which are multiplied as those of panel_i8.h are. Sums are exact, so
// that results have the bits of its.
//
// An Unmask puts kept values where the bits of a mask are, and zeros elsewhere. It reads 64 bytes from where
// they lie, whatever the mask. Thread safety: pure functions of their task.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/common/panel_i8.h"

namespace caravan::cpu {
namespace {

/// Values of a mask.
constexpr Index kMasked = 64;
/// Vectors of values of a step: 4 inputs of 64 outputs.
constexpr Index kStepMasks = 4;

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
struct SparseReader {
  const char* masks;
  const signed char* kept;

  explicit SparseReader(const QuantizedTask& task)
      : masks(static_cast<const char*>(task.panel.panel) + task.weight.masks), kept(values_of(task)) {}

  /// The next mask, and where its values lie.
  unsigned long next(const signed char*& values) {
    unsigned long mask = 0;
    __builtin_memcpy(&mask, masks, sizeof mask);
    masks += sizeof mask;
    values = kept;
    kept += __builtin_popcountl(mask);
    return mask;
  }

  /// Asks memory for what comes a page later: the CPU's own prefetching begins anew in each page, and so much
  /// is done with each byte that the CPU does not look far ahead. One step's masks, and its values where half
  /// of all are kept.
  void ask_ahead() const {
    __builtin_prefetch(masks + kAhead, 0, 2);
    __builtin_prefetch(kept + kAhead, 0, 2);
    __builtin_prefetch(kept + kAhead + kLine, 0, 2);
  }
};

/// `steps` steps as panels have them: [steps, 64, 4].
template <typename Unmask>
inline void expand_sparse_steps(SparseReader& reader, Index steps, signed char* to) {
  for (Index step = 0; step < steps; ++step) {
    reader.ask_ahead();
    for (Index v = 0; v < kStepMasks; ++v, to += kMasked) {
      const signed char* values = nullptr;
      const unsigned long mask = reader.next(values);
      Unmask::store(mask, values, to);
    }
  }
}

/// The whole chunk, as it is where every value is stored.
template <typename Unmask>
void expand_sparse(const QuantizedTask& task, void* to) {
  auto* chunk = static_cast<char*>(to);
  __builtin_memcpy(chunk, task.panel.panel, static_cast<unsigned long>(task.weight.masks));
  SparseReader reader(task);
  expand_sparse_steps<Unmask>(reader, (task.panel.in + 3) / 4,
                              reinterpret_cast<signed char*>(chunk + task.weight.masks));
}

/// Bytes of an expanded block: a part of the L1 cache that leaves room for the inputs and for what is read
/// ahead.
constexpr Index kUnmaskedBytes = 16384;

/// Against up to kFewExpandedTokens tokens.
template <typename V, typename Dot, typename Unmask>
void panel_sparse(const QuantizedTask& task) {
  constexpr Index kInputs = kUnmaskedBytes / kPanel;
  alignas(64) signed char block[kUnmaskedBytes];
  alignas(64) int sums[kFewExpandedTokens][kPanel];
  const PanelTask& panel = task.panel;
  const PanelMeaning meaning = meaning_of<V>(task);
  const auto* x = static_cast<const unsigned char*>(panel.x);
  SparseReader reader(task);
  for (Index begin = 0; begin < panel.in; begin += kInputs) {
    const Index rest = panel.in - begin;
    // Whole steps: a row's last is filled up with zeros.
    const Index inputs = rest < kInputs ? (rest + 3) / 4 * 4 : kInputs;
    expand_sparse_steps<Unmask>(reader, inputs / 4, block);
    add_block<typename V::Ints, Dot>({x + begin, task.x_stride, block, inputs, begin == 0, 0, sums},
                                     panel.tokens);
  }
  for (Index t = 0; t < panel.tokens; ++t) finish_quantized_row<V>(task, meaning, t, sums[t]);
}

}  // namespace
}  // namespace caravan::cpu
