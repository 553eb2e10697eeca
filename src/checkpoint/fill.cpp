#include "checkpoint/fill.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

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

template <typename T>
bool is_finite(const std::byte* element) {
  T value;
  std::memcpy(&value, element, sizeof value);
  return std::isfinite(to_float(value));
}

/// Whether a stored element of `dtype`, at any alignment, is neither infinite nor NaN.
bool is_finite(const std::byte* element, DType dtype) {
  if (dtype == DType::kF32) return is_finite<float>(element);
  return dtype == DType::kBF16 ? is_finite<BFloat16>(element) : is_finite<Half>(element);
}

/// Throws Error if a finite element of `source` became infinite in the `count` halves of `target`.
void refuse_overflow(const std::byte* source, DType source_dtype, const Half* target, size_t count,
                     const std::string& where) {
  constexpr uint16_t kExponent = 0x7C00;
  for (size_t i = 0; i < count; ++i) {
    if ((target[i].bits & kExponent) == kExponent &&
        is_finite(source + i * size_of(source_dtype), source_dtype))
      fail(where, " holds a number too large for fp16, expected --dtype bf16 or fp32 for this checkpoint");
  }
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

void convert_part(const MappedFile& file, std::span<const std::byte> source, DType source_dtype,
                  const TensorView& target, const std::string& where) {
  const size_t count = source.size() / size_of(source_dtype);
  CARAVAN_CHECK_EQ(count, static_cast<size_t>(target.shape.elements()));
  const bool is_aligned = reinterpret_cast<uintptr_t>(source.data()) % size_of(source_dtype) == 0;
  if (source_dtype == target.dtype) {
    std::memcpy(target.data, source.data(), source.size());
  } else if (is_aligned) {
    convert_elements(source.data(), source_dtype, target.data, target.dtype, count);
  } else {
    const std::vector<std::byte> copy(source.begin(), source.end());
    convert_elements(copy.data(), source_dtype, target.data, target.dtype, count);
  }
  if (target.dtype == DType::kF16 && source_dtype != DType::kF16)
    refuse_overflow(source.data(), source_dtype, target.as<Half>(), count, where);
  file.release(source);
}

void convert_weight(const MappedFile& file, std::span<const std::byte> source, DType source_dtype,
                    const TensorView& target, const std::string& where) {
  const size_t from_size = size_of(source_dtype);
  for_each_chunk(source.size() / from_size, [&](size_t begin, size_t end) {
    const auto count = static_cast<int64_t>(end - begin);
    std::byte* to = static_cast<std::byte*>(target.data) + begin * size_of(target.dtype);
    convert_part(file, source.subspan(begin * from_size, (end - begin) * from_size), source_dtype,
                 {to, target.dtype, {count}}, where);
  });
}

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
