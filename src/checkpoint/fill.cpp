#include "checkpoint/fill.h"

#include <algorithm>
#include <array>
#include <numbers>

#include "base/error.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Elements in one piece of work: a few megabytes, which amortises handing it out and keeps the peak low.
constexpr size_t kChunk = size_t{1} << 20U;

/// Calls work(begin, end) for consecutive ranges of at most kChunk of `count` elements, on every core.
template <typename Work>
void for_each_chunk(size_t count, const Work& work) {
  for_each_in_parallel((count + kChunk - 1) / kChunk,
                       [&](size_t chunk) { work(chunk * kChunk, std::min(count, (chunk + 1) * kChunk)); });
}

/// splitmix64 (Steele, Lea and Flood, 2014): a good 64-bit hash of a counter, which threads can start
/// anywhere.
constexpr uint64_t kGoldenGamma = 0x9E3779B97F4A7C15;
uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EB;
  return value ^ (value >> 31U);
}

/// FNV-1a, so that a name means the same weights on every machine and library.
uint64_t seed_of(const std::string& name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

/// Numbers drawn from one 64-bit hash, and the bits of each.
constexpr size_t kPerHash = 4;
constexpr unsigned kLevelBits = 12;
constexpr size_t kLevels = size_t{1} << kLevelBits;
static_assert(kChunk % kPerHash == 0);

/// kLevels evenly spaced numbers around 0 whose standard deviation is 0.02, LLaMA's initializer_range.
template <typename T>
std::array<T, kLevels> uniform_levels() {
  const double half_width = 0.02 * std::numbers::sqrt3;
  std::array<T, kLevels> levels;
  for (size_t i = 0; i < kLevels; ++i) {
    const double position = (static_cast<double>(i) + 0.5) / static_cast<double>(kLevels);
    levels[i] = from_float<T>(static_cast<float>((2.0 * position - 1.0) * half_width));
  }
  return levels;
}

/// Element i takes bits of the hash of (seed, i / kPerHash): an index into the levels.
template <typename T>
void draw_uniform(uint64_t seed, T* target, size_t count) {
  const std::array<T, kLevels> levels = uniform_levels<T>();
  for_each_chunk(count, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += kPerHash) {
      uint64_t bits = mixed(seed + (i / kPerHash + 1) * kGoldenGamma);
      const size_t wanted = std::min(kPerHash, end - i);
      for (size_t k = 0; k < wanted; ++k, bits >>= kLevelBits) target[i + k] = levels[bits % kLevels];
    }
  });
}

template <typename T>
void draw(const std::string& name, T* target, size_t count) {
  if (name.ends_with(".bias")) {
    std::fill_n(target, count, from_float<T>(0.0F));
  } else if (name.ends_with("norm.weight")) {
    std::fill_n(target, count, from_float<T>(1.0F));
  } else {
    draw_uniform(seed_of(name), target, count);
  }
}

}  // namespace

void draw_dummy_weight(const std::string& name, const TensorView& target) {
  const auto count = static_cast<size_t>(target.shape.elements());
  switch (target.dtype) {
    case DType::kF32:
      return draw(name, target.as<float>(), count);
    case DType::kF16:
      return draw(name, target.as<Half>(), count);
    case DType::kBF16:
      return draw(name, target.as<BFloat16>(), count);
    default:
      CARAVAN_CHECK(is_floating(target.dtype));
  }
}

}  // namespace caravan
