#include "checkpoint/gguf/container.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "base/error.h"
#include "base/utf8.h"

namespace caravan {

namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint32_t kDefaultAlignment = 32;
/// A page, above which nobody gains anything.
constexpr uint32_t kMaxAlignment = 4096;
/// The longest names that the format allows.
constexpr size_t kMaxKey = 65'535;
constexpr size_t kMaxTensorName = 64;

/// Bytes of a value of fixed size; 0 for strings, arrays and what is no type.
size_t size_of_value(uint32_t type) {
  constexpr std::array<size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes.at(type) : 0;
}

/// Reads a header from its first byte on, and says where it ends too early.
class Cursor {
 public:
  Cursor(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  std::string_view take(uint64_t count, const std::string& what) {
    if (count > bytes_.size() - at_) {
      fail(source_, ": ", what, " takes ", count, " bytes from byte ", at_, " on, but the file has only ",
           bytes_.size(), ": it is truncated or its header lies");
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  template <typename T>
  T number(const std::string& what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  /// A length of 8 bytes, and so many.
  std::string_view string(const std::string& what) { return take(number<uint64_t>(what), what); }

  [[nodiscard]] uint64_t at() const { return at_; }
  [[nodiscard]] uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] std::string_view since(uint64_t begin) const { return bytes_.substr(begin, at_ - begin); }
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  std::string_view bytes_;
  const std::string& source_;
  uint64_t at_ = 0;
};

uint32_t parse_preamble(Cursor& cursor) {
  constexpr std::string_view kGitLfs = "version https://git-lfs";
  const std::string& source = cursor.source();
  const std::string_view magic =
      cursor.size() < kMagic.size() ? std::string_view() : cursor.take(kMagic.size(), "the magic");
  if (magic == kGitLfs.substr(0, kMagic.size()))
    fail(source, ": is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  if (magic != kMagic) fail(source, ": does not begin with GGUF, expected a GGUF file");
  const auto version = cursor.number<uint32_t>("the version");
  if (version != 0 && (version & 0xFFFFU) == 0)
    fail(source, ": is a big-endian GGUF file, expected a little-endian one");
  if (version != 2 && version != 3) fail(source, ": is GGUF version ", version, ", expected version 2 or 3");
  return version;
}

/// A count of `what` that is at most `limit`.
uint64_t parse_count(Cursor& cursor, const char* what, uint64_t limit) {
  const auto count = cursor.number<uint64_t>(std::string("the number of ") + what);
  if (count > limit)
    fail(cursor.source(), ": says that it has ", count, " ", what, ", expected at most ", limit);
  return count;
}

void require_utf8(std::string_view text, const std::string& what, const std::string& source) {
  if (utf8_first_invalid(text))
    fail(source, ": ", what, " is ", in_quotes(std::string(text)), ", expected valid UTF-8");
}

void parse_array(Cursor& cursor, const std::string& what, GgufValue& value) {
  const auto element = cursor.number<uint32_t>("the element type of " + what);
  value.count = cursor.number<uint64_t>("the length of " + what);
  const uint64_t begin = cursor.at();
  if (element == static_cast<uint32_t>(GgufValueType::kString)) {
    const std::string of = "a string of " + what;
    for (uint64_t i = 0; i < value.count; ++i) cursor.string(of);
  } else {
    const size_t size = size_of_value(element);
    if (size == 0) {
      fail(cursor.source(), ": ", what, " is an array of values of type ", element,
           ", expected numbers, booleans or strings");
    }
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(value.count, uint64_t{size}, &bytes))
      fail(cursor.source(), ": ", what, " has ", value.count, " elements, expected as many as fit in a file");
    cursor.take(bytes, what);
  }
  value.element = static_cast<GgufValueType>(element);
  value.bytes = cursor.since(begin);
}

GgufValue parse_value(Cursor& cursor, const std::string& what) {
  const auto type = cursor.number<uint32_t>("the type of " + what);
  GgufValue value;
  if (type == static_cast<uint32_t>(GgufValueType::kArray)) {
    parse_array(cursor, what, value);
  } else if (type == static_cast<uint32_t>(GgufValueType::kString)) {
    value.bytes = cursor.string(what);
    require_utf8(value.bytes, what, cursor.source());
  } else {
    const size_t size = size_of_value(type);
    if (size == 0) fail(cursor.source(), ": ", what, " has the type ", type, ", expected one from 0 to 12");
    value.bytes = cursor.take(size, what);
  }
  value.type = static_cast<GgufValueType>(type);
  return value;
}

void parse_metadata(Cursor& cursor, uint64_t count, GgufHeader& header) {
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key(cursor.string("a metadata key"));
    if (key.empty() || key.size() > kMaxKey || utf8_first_invalid(key))
      fail(cursor.source(), ": a metadata key is ", in_quotes(key), ", expected 1 to 65535 bytes of UTF-8");
    const GgufValue value = parse_value(cursor, "the field " + in_quotes(key));
    if (!header.metadata.emplace(key, value).second)
      fail(cursor.source(), ": the field ", in_quotes(key), " is there twice, expected each key once");
  }
}

uint64_t parse_shape(Cursor& cursor, const std::string& where, Shape& shape) {
  const auto rank = cursor.number<uint32_t>("the rank of a tensor");
  if (rank > kMaxRank) fail(where, " has ", rank, " dimensions, expected at most ", kMaxRank);
  std::array<int64_t, kMaxRank> sizes{};
  uint64_t elements = 1;
  for (uint32_t axis = rank; axis-- > 0;) {
    const auto size = cursor.number<uint64_t>("a size of a tensor");
    if (size > uint64_t{INT64_MAX} || __builtin_mul_overflow(elements, size, &elements) ||
        elements > uint64_t{INT64_MAX}) {
      fail(where, " has a shape whose elements do not fit in 63 bits, expected sizes that fit in the file");
    }
    sizes.at(axis) = static_cast<int64_t>(size);
  }
  shape = Shape(sizes.data(), rank);
  return elements;
}

GgufTensor parse_tensor(Cursor& cursor, uint64_t alignment) {
  GgufTensor tensor;
  tensor.name = cursor.string("a tensor's name");
  const std::string where = cursor.source() + ": the tensor " + in_quotes(tensor.name);
  if (tensor.name.empty() || tensor.name.size() > kMaxTensorName || utf8_first_invalid(tensor.name))
    fail(where, " has a name of ", tensor.name.size(), " bytes, expected 1 to 64 bytes of UTF-8");
  const auto elements = static_cast<int64_t>(parse_shape(cursor, where, tensor.shape));
  const auto number = cursor.number<uint32_t>("the type of a tensor");
  const GgmlTypeInfo* info = find_ggml_type(number);
  if (info == nullptr) fail(where, " has the type ", number, ", expected a type that GGUF has");
  tensor.type = info->type;
  const int64_t row = tensor.shape.rank() == 0 ? 1 : tensor.shape.back();
  if (row % info->block_elements != 0) {
    fail(where, " has rows of ", row, " elements, expected a multiple of ", info->block_elements,
         " for the type ", info->name);
  }
  uint64_t bytes = 0;
  tensor.begin = cursor.number<uint64_t>("the offset of a tensor");
  if (__builtin_mul_overflow(static_cast<uint64_t>(elements / info->block_elements),
                             static_cast<uint64_t>(info->block_bytes), &bytes) ||
      __builtin_add_overflow(tensor.begin, bytes, &tensor.end)) {
    fail(where,
         " has a shape and an offset whose bytes do not fit in 64 bits, expected ones inside the file");
  }
  if (tensor.begin % alignment != 0)
    fail(where, " begins at byte ", tensor.begin, " of the data, expected a multiple of ", alignment);
  return tensor;
}

uint64_t alignment_of(const GgufHeader& header, const std::string& source) {
  const GgufValue* value = header.find("general.alignment");
  if (value == nullptr) return kDefaultAlignment;
  uint32_t alignment = 0;
  if (value->type == GgufValueType::kUint32) std::memcpy(&alignment, value->bytes.data(), sizeof alignment);
  if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
    fail(source, ": the field \"general.alignment\" is not an unsigned 32-bit power of two up to ",
         kMaxAlignment);
  }
  return alignment;
}

/// The tensors, sorted, must cover the data part of `data_size` bytes, but for padding after each.
void check_coverage(const std::vector<GgufTensor>& tensors, uint64_t data_size, uint64_t alignment,
                    const std::string& source) {
  uint64_t covered = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = tensors[i];
    if (tensor.end > data_size) {
      fail(source, ": the tensor ", in_quotes(tensor.name), " ends at byte ", tensor.end,
           " of the data, but the file holds only ", data_size, ": it is truncated or its header lies");
    }
    if (tensor.begin < covered) {
      fail(source, ": the tensors ", in_quotes(tensors[i - 1].name), " and ", in_quotes(tensor.name),
           " overlap, expected each byte to belong to one");
    }
    if (tensor.begin - covered >= alignment) {
      fail(source, ": bytes ", covered, " to ", tensor.begin, " of the data belong to no tensor, expected ",
           in_quotes(tensor.name), " to begin within ", alignment, " bytes");
    }
    covered = tensor.end;
  }
  if (data_size - covered >= alignment) {
    fail(source, ": ", data_size - covered,
         " bytes after the last tensor belong to none, expected the file to end there");
  }
}

void require_unique_names(const std::vector<GgufTensor>& tensors, const std::string& source) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const GgufTensor& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    fail(source, ": the tensor ", in_quotes(std::string(*twice)), " is there twice, expected each name once");
  }
}

}  // namespace

const GgufValue* GgufHeader::find(std::string_view key) const {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

const GgufTensor* GgufHeader::tensor(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [name](const GgufTensor& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& source) {
  Cursor cursor({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
  GgufHeader header;
  header.version = parse_preamble(cursor);
  const uint64_t tensors = parse_count(cursor, "tensors", kMaxGgufTensors);
  const uint64_t keys = parse_count(cursor, "metadata fields", kMaxGgufKeys);
  parse_metadata(cursor, keys, header);
  const uint64_t alignment = alignment_of(header, source);
  for (uint64_t i = 0; i < tensors; ++i) header.tensors.push_back(parse_tensor(cursor, alignment));
  require_unique_names(header.tensors, source);
  std::sort(header.tensors.begin(), header.tensors.end(), [](const GgufTensor& a, const GgufTensor& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  // A file without tensors may end before the padding.
  header.data_start = std::min((cursor.at() + alignment - 1) / alignment * alignment, cursor.size());
  check_coverage(header.tensors, cursor.size() - header.data_start, alignment, source);
  return header;
}

}  // namespace caravan
