// One panel of an int8 weight whose values are not stored one by one (sparse.h, lifted.h) against quantised
// rows: a Source turns what is stored into values, step by step, which are multiplied as those of panel_i8.h
// are. Sums are exact, so that results have the bits of its.
//
// A Source is made from a QuantizedTask and read from a panel's first value to its last: store_step(to)
// writes the next 4 inputs of 64 outputs. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/panel_i8.h"

namespace caravan::cpu {
namespace {

/// Vectors of 64 values of a step.
constexpr Index kStepVectors = 4;
/// Inputs of a step, and its values.
constexpr Index kStepInputs = 4;
constexpr Index kStepValues = kStepInputs * kPanel;

/// `steps` steps as panels have them: [steps, 64, 4].
template <typename Source>
inline void store_steps(Source& source, Index steps, signed char* to) {
  for (Index step = 0; step < steps; ++step, to += kStepValues) source.store_step(to);
}

/// Whole steps of so many inputs: a row's last is filled up with zeros.
constexpr Index steps_of(Index inputs) { return (inputs + kStepInputs - 1) / kStepInputs; }

/// The whole chunk, as it is where every value is stored.
template <typename Source>
void expand_source(const QuantizedTask& task, void* to) {
  auto* chunk = static_cast<char*>(to);
  __builtin_memcpy(chunk, task.panel.panel, static_cast<unsigned long>(task.weight.masks));
  Source source(task);
  store_steps(source, steps_of(task.panel.in), reinterpret_cast<signed char*>(chunk + task.weight.masks));
}

/// Bytes of an expanded block: a part of the L1 cache that leaves room for the inputs and for what is read
/// ahead.
constexpr Index kSourceBytes = 16384;

/// Against up to kFewExpandedTokens tokens.
template <typename V, typename Dot, typename Source>
void panel_from_source(const QuantizedTask& task) {
  constexpr Index kInputs = kSourceBytes / kPanel;
  alignas(64) signed char block[kSourceBytes];
  alignas(64) int sums[kFewExpandedTokens][kPanel];
  const PanelTask& panel = task.panel;
  const PanelMeaning meaning = meaning_of<V>(task);
  const auto* x = static_cast<const unsigned char*>(panel.x);
  Source source(task);
  for (Index begin = 0; begin < panel.in; begin += kInputs) {
    const Index rest = panel.in - begin;
    const Index steps = rest < kInputs ? steps_of(rest) : kInputs / kStepInputs;
    store_steps(source, steps, block);
    add_block<typename V::Ints, Dot>(
        {x + begin, task.x_stride, block, steps * kStepInputs, begin == 0, 0, sums}, panel.tokens);
  }
  for (Index t = 0; t < panel.tokens; ++t) finish_quantized_row<V>(task, meaning, t, sums[t]);
}

}  // namespace
}  // namespace caravan::cpu
