// The stored element types, as distinct types that the vector types can overload on.
// Thread safety: plain data.
#pragma once

namespace caravan::cpu {
namespace {

struct F16 {
  unsigned short bits;
};
struct BF16 {
  unsigned short bits;
};
/// Of a row that has a scale.
struct I8 {
  signed char value;
};

/// Whether elements stand for themselves times a scale of their slot (tensor/kv_layout.h).
template <typename T>
constexpr bool kHasScales = false;
template <>
constexpr bool kHasScales<I8> = true;

}  // namespace
}  // namespace caravan::cpu
