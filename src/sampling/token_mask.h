// A set of tokens as bits: bit i % 64 of word i / 64 is set if token i is allowed. An empty span allows all.
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <span>

namespace caravan {

/// Words of the mask of a vocabulary.
constexpr size_t mask_words(size_t vocab) { return (vocab + 63) / 64; }

inline bool is_allowed(std::span<const uint64_t> allowed, size_t token) {
  return allowed.empty() || ((allowed[token / 64] >> (token % 64)) & 1U) != 0;
}

/// Copies `logits` [vocab] to `out` [vocab], with minus infinity for what is not allowed. `allowed` is not
/// empty and allows at least one token; bits after the vocabulary's are ignored.
void copy_allowed(std::span<const float> logits, std::span<const uint64_t> allowed, std::span<float> out);

}  // namespace caravan
