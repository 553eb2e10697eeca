#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace caravan {

namespace {

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kMetadataName = "__metadata__";

struct NamedDType {
  std::string_view name;
  DType dtype;
};

/// The dtypes that Caravan computes with, as a header spells them.
constexpr std::array<NamedDType, kDTypeCount> kDTypes = {{
    {"F32", DType::kF32},
    {"F16", DType::kF16},
    {"BF16", DType::kBF16},
    {"I32", DType::kI32},
    {"I64", DType::kI64},
    {"I8", DType::kI8},
    {"U8", DType::kU8},
}};

/// Bytes of one element of a dtype that the format has and Caravan has no type for; 0 for names that are
/// unknown or whose elements are not whole bytes: their sizes cannot be checked.
uint64_t size_of_foreign(std::string_view name) {
  if (name == "F64" || name == "U64" || name == "C64") return 8;
  if (name == "U32") return 4;
  if (name == "I16" || name == "U16") return 2;
  if (name == "BOOL" || name.starts_with("F8_")) return 1;
  return 0;
}

uint64_t size_of_name(std::string_view name) {
  const std::optional<DType> dtype = dtype_from_safetensors(name);
  return dtype ? size_of(*dtype) : size_of_foreign(name);
}

/// The length that the file's first 8 bytes give its header, checked against the file and the format's limit.
uint64_t header_length(std::span<const std::byte> start, uint64_t file_size, const std::string& source) {
  constexpr std::string_view kGitLfs = "version https://git-lfs";
  if (start.size() >= kGitLfs.size() && std::memcmp(start.data(), kGitLfs.data(), kGitLfs.size()) == 0)
    fail(source, ": is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  if (start.size() < kLengthBytes) {
    fail(source, ": has ", file_size,
         " bytes, expected a safetensors file, which starts with 8 bytes of header length");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<uint64_t>(start[i]) << (8 * i);
  if (length > kMaxSafetensorsHeader) {
    fail(source, ": says that its header has ", length, " bytes, expected at most ", kMaxSafetensorsHeader,
         " in a safetensors file");
  }
  if (length > file_size - kLengthBytes || length > start.size() - kLengthBytes) {
    fail(source, ": says that its header has ", length, " bytes, but only ", file_size - kLengthBytes,
         " follow: it is truncated or not a safetensors file");
  }
  return length;
}

/// Names one tensor of one file in every message about it.
class TensorParser {
 public:
  TensorParser(const std::string& name, const Json& entry, const std::string& source)
      : name_(name), where_(source + ": the tensor " + in_quotes(name)), entry_(entry, source, name) {}

  [[nodiscard]] StoredTensor parse() const {
    StoredTensor tensor;
    tensor.name = name_;
    tensor.dtype_name = entry_.string("dtype");
    const uint64_t elements = parse_shape(tensor.shape);
    parse_offsets(tensor);
    const uint64_t size = size_of_name(tensor.dtype_name);
    uint64_t bytes = 0;
    if (size != 0 && (__builtin_mul_overflow(elements, size, &bytes) || bytes != tensor.end - tensor.begin)) {
      fail(where_, " has data_offsets ", tensor.begin, " to ", tensor.end, ", expected ", elements, " x ",
           size, " bytes between them for dtype ", tensor.dtype_name, " and shape ", tensor.shape);
    }
    return tensor;
  }

 private:
  /// A number that is not negative and fits in 63 bits.
  [[nodiscard]] uint64_t count(const Json& value, const char* field) const {
    if (value.is_number_unsigned() && value.get<uint64_t>() <= uint64_t{INT64_MAX})
      return value.get<uint64_t>();
    fail(where_, " has ", describe(value), " in its ", field, ", expected integers from 0 to ", INT64_MAX);
  }

  uint64_t parse_shape(Shape& shape) const {
    const Json* sizes = entry_.array("shape");
    if (sizes == nullptr) entry_.wrong("shape", "an array of sizes");
    if (sizes->size() > kMaxRank) {
      fail(where_, " has ", sizes->size(), " dimensions, expected at most ", kMaxRank,
           ", which is all that a LLaMA-family model has");
    }
    std::array<int64_t, kMaxRank> values{};
    int64_t elements = 1;
    for (size_t axis = 0; axis < sizes->size(); ++axis) {
      values.at(axis) = static_cast<int64_t>(count((*sizes)[axis], "shape"));
      if (__builtin_mul_overflow(elements, values.at(axis), &elements)) {
        fail(where_,
             " has a shape whose elements do not fit in 63 bits, expected sizes that fit in the file");
      }
    }
    shape = Shape(values.data(), sizes->size());
    return static_cast<uint64_t>(elements);
  }

  void parse_offsets(StoredTensor& tensor) const {
    const Json* offsets = entry_.array("data_offsets");
    if (offsets == nullptr || offsets->size() != 2)
      entry_.wrong("data_offsets", "an array of 2 byte offsets");
    tensor.begin = count((*offsets)[0], "data_offsets");
    tensor.end = count((*offsets)[1], "data_offsets");
    if (tensor.begin > tensor.end) {
      fail(where_, " has data_offsets ", tensor.begin, " to ", tensor.end,
           ", expected the first to be at most the second");
    }
  }

  const std::string& name_;
  std::string where_;
  JsonObject entry_;
};

std::map<std::string, std::string> parse_metadata(const Json& value, const std::string& source) {
  const JsonObject object(value, source, std::string(kMetadataName));
  std::map<std::string, std::string> metadata;
  for (const auto& [name, text] : value.items()) {
    if (!text.is_string()) object.wrong(name, "a string");
    metadata.emplace(name, text.get<std::string>());
  }
  return metadata;
}

/// The tensors, sorted, must cover the data part of `data_size` bytes from its start to its end.
void check_coverage(const std::vector<StoredTensor>& tensors, uint64_t data_size, const std::string& source) {
  uint64_t covered = 0;
  const StoredTensor* before = nullptr;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.end > data_size) {
      fail(source, ": the tensor ", in_quotes(tensor.name), " ends at byte ", tensor.end,
           " of the data, but the file holds only ", data_size, ": it is truncated or its header lies");
    }
    if (tensor.begin < covered) {
      fail(source, ": the tensors ", in_quotes(before->name), " and ", in_quotes(tensor.name),
           " overlap, expected each byte to belong to one");
    }
    if (tensor.begin > covered) {
      fail(source, ": bytes ", covered, " to ", tensor.begin, " of the data belong to no tensor, expected ",
           in_quotes(tensor.name), " to begin at ", covered);
    }
    covered = tensor.end;
    before = &tensor;
  }
  if (covered != data_size) {
    fail(source, ": ", data_size - covered,
         " bytes after the last tensor belong to none, expected the file to end there");
  }
}

void require_utf8(const std::string& text) {
  if (utf8_first_invalid(text)) fail("safetensors header: ", in_quotes(text), " is not valid UTF-8");
}

}  // namespace

std::optional<DType> dtype_from_safetensors(std::string_view name) {
  for (const NamedDType& known : kDTypes) {
    if (known.name == name) return known.dtype;
  }
  return std::nullopt;
}

std::string_view safetensors_name_of(DType dtype) {
  for (const NamedDType& known : kDTypes) {
    if (known.dtype == dtype) return known.name;
  }
  return "";
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, uint64_t file_size,
                                           const std::string& source) {
  const uint64_t length = header_length(start, file_size, source);
  const std::string_view text(reinterpret_cast<const char*>(start.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) fail(source, ": the header does not begin with {, expected a safetensors file");
  const Json json = parse_json(text, source);

  SafetensorsHeader header;
  header.data_start = kLengthBytes + length;
  for (const auto& [name, value] : json.items()) {
    if (name == kMetadataName) {
      header.metadata = parse_metadata(value, source);
    } else {
      header.tensors.push_back(TensorParser(name, value, source).parse());
    }
  }
  std::sort(header.tensors.begin(), header.tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_coverage(header.tensors, file_size - header.data_start, source);
  return header;
}

std::string safetensors_header(const std::vector<TensorToWrite>& tensors,
                               const std::map<std::string, std::string>& metadata, size_t reserve) {
  Json json = Json::object();
  if (!metadata.empty()) {
    Json& texts = json[std::string(kMetadataName)] = Json::object();
    for (const auto& [name, text] : metadata) {
      require_utf8(name);
      require_utf8(text);
      texts[name] = text;
    }
  }
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    require_utf8(tensor.name);
    std::vector<int64_t> sizes;
    for (size_t axis = 0; axis < tensor.shape.rank(); ++axis) sizes.push_back(tensor.shape[axis]);
    const uint64_t end = offset + static_cast<uint64_t>(tensor.shape.elements()) * size_of(tensor.dtype);
    json[tensor.name] = {
        {"dtype", safetensors_name_of(tensor.dtype)}, {"shape", sizes}, {"data_offsets", {offset, end}}};
    offset = end;
  }

  std::string header(kLengthBytes, '\0');
  header += json.dump();
  // The data that follows is then aligned to every element size.
  constexpr size_t kAlignment = 8;
  const size_t least = std::max(header.size(), reserve);
  header.resize((least + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t length = header.size() - kLengthBytes;
  for (size_t i = 0; i < kLengthBytes; ++i) header[i] = static_cast<char>((length >> (8 * i)) & 0xFFU);
  return header;
}

}  // namespace caravan
