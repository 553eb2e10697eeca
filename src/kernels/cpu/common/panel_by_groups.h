// One panel of a weight that alone is quantised (W8A16, W4A16), in the order of bf16, against any number of
// tokens: its numbers are expanded into the L1 cache as they are and multiplied as ordinary panels are; the
// scale and zero point of a group come after the sum over its inputs. So each group costs a few instructions
// for a token, instead of some for each weight. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/numbers.h"
#include "kernels/cpu/common/panel.h"

namespace caravan::cpu {
namespace {

/// The sum of `count` inputs.
template <typename V>
inline float sum_of_inputs(const BF16* x, Index count) {
  typename V::F sum = V::zero();
  for_each_vector<V>(0, count, [&](Index i, Index some) { sum = V::add(sum, read<V>(x + i, some)); });
  return V::sum(sum);
}

/// Some inputs of one group, and the sums of their products.
struct GroupPart {
  Index input;    ///< the first, or another, counted from its chunk's first
  const BF16* x;  ///< [tokens], rows x_stride apart
  Index x_stride;
  Index inputs;
  const float (*products)[kPanel];  ///< [tokens, 64]
};

/// What the sum of a group's inputs is multiplied by, which its scale does not multiply: the minimum, and
/// what values of 4 bits lack.
template <typename V>
inline void offsets_of(const QuantizedPanel& weight, GroupMeaning<V>& meaning) {
  const auto above = V::set(above_signed(weight));
  for (Index v = 0; v < GroupMeaning<V>::kVectors; ++v)
    meaning.offsets[v] = V::fma(meaning.scales[v], above, meaning.offsets[v]);
}

/// sums [tokens, 64] += scale * (products - zero * the sum of the inputs); or, with minimums, those products
/// by the scale and the sum of the inputs by the offset.
template <typename V>
inline void add_scaled(const QuantizedPanel& weight, const char* chunk, const GroupPart& part, Index tokens,
                       float (*sums)[kPanel]) {
  using Meaning = GroupMeaning<V>;
  Meaning meaning = meaning_of_group<V>(weight, chunk, part.input);
  if (weight.has_minimums) offsets_of<V>(weight, meaning);
  for (Index t = 0; t < tokens; ++t) {
    const float* products = part.products[t];
    float* sum = sums[t];
    if (weight.has_zeros) {
      const auto inputs = V::set(-sum_of_inputs<V>(part.x + t * part.x_stride, part.inputs));
      for (Index v = 0; v < Meaning::kVectors; ++v, products += V::kWidth, sum += V::kWidth) {
        const auto shifted = V::fma(meaning.zeros[v], inputs, V::load(products));
        V::store(sum, V::fma(meaning.scales[v], shifted, V::load(sum)));
      }
      continue;
    }
    if (weight.has_minimums) {
      const auto inputs = V::set(sum_of_inputs<V>(part.x + t * part.x_stride, part.inputs));
      for (Index v = 0; v < Meaning::kVectors; ++v, products += V::kWidth, sum += V::kWidth) {
        const auto shifted = V::fma(meaning.offsets[v], inputs, V::load(sum));
        V::store(sum, V::fma(meaning.scales[v], V::load(products), shifted));
      }
      continue;
    }
    for (Index v = 0; v < Meaning::kVectors; ++v, products += V::kWidth, sum += V::kWidth)
      V::store(sum, V::fma(meaning.scales[v], V::load(products), V::load(sum)));
  }
}

template <typename V>
inline void clear_sums(Index tokens, float (*sums)[kPanel]) {
  for (Index t = 0; t < tokens; ++t) {
    for (Index i = 0; i < kPanel; i += V::kWidth) V::store(sums[t] + i, V::zero());
  }
}

template <typename V, typename Narrow, typename Dot>
void panel_by_groups(const QuantizedTask& task) {
  // 16 KB of bf16: a part of the L1 cache that leaves room for the inputs and for what is read ahead.
  constexpr Index kInputs = 128;
  alignas(64) BF16 block[kInputs * kPanel];
  alignas(64) float products[kMaxBlockTokens][kPanel];
  alignas(64) float sums[kMaxBlockTokens][kPanel];
  const PanelTask& panel = task.panel;
  const QuantizedPanel& weight = task.weight;
  for (Index token = 0; token < panel.tokens; token += panel.block_tokens) {
    const Index left = panel.tokens - token;
    const Index tokens = left < panel.block_tokens ? left : panel.block_tokens;
    const auto* x = static_cast<const BF16*>(panel.x) + token * panel.in;
    clear_sums<V>(tokens, sums);
    const char* chunk = static_cast<const char*>(panel.panel);
    Index first = 0;  // of the group's inputs, counted from its chunk's first
    for (Index at = 0; at < panel.in; at += weight.group) {
      for (Index begin = 0; begin < weight.group; begin += kInputs) {
        const Index rest = weight.group - begin;
        const Index inputs = rest < kInputs ? rest : kInputs;
        expand_numbers<V, Narrow>(weight, chunk, first + begin, inputs, block);
        add_block<V, Dot>({x + at + begin, panel.in, block, inputs, begin == 0, 0, products}, tokens);
      }
      add_scaled<V>(weight, chunk, {first, x + at, panel.in, weight.group, products}, tokens, sums);
      first += weight.group;
      if (first < weight.chunk_inputs) continue;
      first = 0;
      chunk += weight.chunk_bytes;
    }
    for (Index t = 0; t < tokens; ++t) finish_row<V>(panel, token + t, sums[t]);
  }
}

}  // namespace
}  // namespace caravan::cpu
