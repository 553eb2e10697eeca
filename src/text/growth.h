// How far the steps that a tokenizer file lists may blow up a text: a file of a few kilobytes could otherwise
// double it forty times. Thread safety: pure functions.
#pragma once

#include <cstddef>

#include "base/error.h"

namespace caravan {

/// More than any published tokenizer's; bounds the time that a file can make one text take.
inline constexpr size_t kMaxSteps = 100;
/// NFKC makes 11 bytes of one (U+FDFA), byte-level 2: together less.
inline constexpr size_t kMaxGrowth = 32;
/// For short texts, where a prefix outweighs the text.
inline constexpr size_t kGrowthAllowance = 1000;

/// Throws Error if `after` bytes are too many to have come from `before`. `what` names the steps.
inline void check_growth(const char* what, size_t before, size_t after) {
  if (after / kMaxGrowth > before + kGrowthAllowance) {
    fail("the tokenizer's ", what, " make ", after, " bytes of ", before, ", expected at most ", kMaxGrowth,
         " times as many");
  }
}

}  // namespace caravan
