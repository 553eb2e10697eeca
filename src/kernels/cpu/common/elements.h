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

}  // namespace
}  // namespace caravan::cpu
