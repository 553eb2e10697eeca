// Safetensors files for tests, right and wrong ones, built from the text of their header.
#pragma once

#include <string>

namespace caravan::test {

/// The 8 bytes of `length`, then `header`, then `data_bytes` bytes counting up from 0.
inline std::string safetensors_bytes(uint64_t length, const std::string& header, size_t data_bytes) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>((length >> (8 * i)) & 0xFFU);
  bytes += header;
  for (size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i & 0xFFU);
  return bytes;
}

/// The same with the header's own length.
inline std::string safetensors_bytes(const std::string& header, size_t data_bytes) {
  return safetensors_bytes(header.size(), header, data_bytes);
}

}  // namespace caravan::test
