// The GGUF container: typed metadata, the tensors' infos, then the tensors' bytes.
// Reference: docs/gguf.md of the ggml project, and what gguf-py and llama.cpp refuse. Invariants: in a header
// that parsed, names are unique; a value's bytes lie in the header; a tensor's bytes lie in the data, at the
// file's alignment, none over another's, and what belongs to none is padding. Nothing is allocated that the
// file does not pay for with as many bytes, but for a constant factor. Thread safety: reading is const.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "checkpoint/gguf/ggml_type.h"
#include "tensor/shape.h"

namespace caravan {

/// The numbers by which files name them.
enum class GgufValueType : uint8_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// One value where it lies in the file, which must outlive it.
struct GgufValue {
  GgufValueType type = GgufValueType::kUint8;
  GgufValueType element = GgufValueType::kUint8;  ///< of an array
  uint64_t count = 1;                             ///< of an array's elements
  /// A string's text, an array's elements one after the other (each string with its 8 bytes of length), or
  /// the number itself.
  std::string_view bytes;
};

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::kF32;
  Shape shape;         ///< outermost first: files write it the other way round
  uint64_t begin = 0;  ///< byte offsets inside the data part
  uint64_t end = 0;
};

struct GgufHeader {
  uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::vector<GgufTensor> tensors;  ///< in order of their offsets
  uint64_t data_start = 0;          ///< offset of the data part in the file

  [[nodiscard]] const GgufValue* find(std::string_view key) const;
  [[nodiscard]] const GgufTensor* tensor(std::string_view name) const;
};

/// A hundred times what published files have (some 60 keys and 1000 tensors).
constexpr uint64_t kMaxGgufKeys = 6'000;
constexpr uint64_t kMaxGgufTensors = 100'000;

/// Parses and checks the header of the file `bytes`. Throws Error, naming `source`.
GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& source);

/// The metadata as one flat JSON object, so that JsonObject reads it and names file and key in each message:
/// numbers, booleans, strings, and arrays of numbers of up to 4096 elements (one for each layer). A 32-bit
/// float is the decimal number that is closest to it, which is what a converter read from a config.json.
Json gguf_fields(const GgufHeader& header);

/// The elements of the array `key`, whose type must be such; nothing where it is absent. Throws Error, naming
/// `source` and the key, on another type; on a string that is not UTF-8; on a number that is not finite.
std::optional<std::vector<std::string_view>> gguf_strings(const GgufHeader& header, std::string_view key,
                                                          const std::string& source);
std::optional<std::vector<float>> gguf_floats(const GgufHeader& header, std::string_view key,
                                              const std::string& source);
std::optional<std::vector<int32_t>> gguf_integers(const GgufHeader& header, std::string_view key,
                                                  const std::string& source);

}  // namespace caravan
