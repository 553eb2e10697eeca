// The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
// Reference: the format section of the safetensors project's README, and what its own parser refuses.
// Invariants: a file that opened has no tensor outside it, no two that overlap, and no bytes that belong to
// none. Thread safety: reading is const; a writer belongs to one thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/view.h"

namespace caravan {

/// One entry of a header. A dtype that Caravan has no type for (F8_E4M3, F64 …) is kept by its name only.
struct StoredTensor {
  std::string name;
  std::string dtype_name;  ///< as the file spells it: "BF16"
  Shape shape;
  uint64_t begin = 0;  ///< byte offsets inside the data part
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  ///< in order of their offsets
  std::map<std::string, std::string> metadata;
  uint64_t data_start = 0;  ///< offset of the data part in the file
};

/// The largest header that the original implementation accepts, in bytes.
constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

/// Parses and checks the header of a file of `file_size` bytes whose first bytes are `start` (at least 8
/// bytes and the header, or all there is). Throws Error, naming `source`.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, uint64_t file_size,
                                           const std::string& source);

/// The caravan dtype of a header's dtype name, or nothing.
std::optional<DType> dtype_from_safetensors(std::string_view name);
/// "F32", "BF16" …
std::string_view safetensors_name_of(DType dtype);

/// What a file to be written will hold, in order.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

/// The length and the JSON header (padded with spaces to a multiple of 8, as the original does) of a file
/// that holds `tensors` one after the other. `reserve` makes the header at least that long, so that it can be
/// rewritten in place once sizes are known.
std::string safetensors_header(const std::vector<TensorToWrite>& tensors,
                               const std::map<std::string, std::string>& metadata, size_t reserve = 0);

}  // namespace caravan
