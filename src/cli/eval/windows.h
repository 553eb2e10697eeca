// The windows in which a text that is longer than a model's context is read, as Hugging Face's page
// "Perplexity of fixed-length models" has them: each begins `stride` tokens after the one before it, and what
// both hold is context for the later one. Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <vector>

namespace caravan::eval {

/// The model reads tokens `begin` to `end` of a text and is asked for those from `first_scored` on.
struct Window {
  int64_t begin = 0;
  int64_t end = 0;           ///< one behind the last
  int64_t first_scored = 0;  ///< above `begin`: nothing predicts a window's first token
};

/// The windows of a text of `tokens` tokens, in order: every token but the first is scored exactly once,
/// after as many tokens as its window has before it. None for a text of fewer than two tokens. `stride` is at
/// least 1 and below `max_length`, so that a window's first token was scored by the window before.
std::vector<Window> windows_of(int64_t tokens, int64_t max_length, int64_t stride);

}  // namespace caravan::eval
