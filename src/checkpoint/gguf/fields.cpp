// Reads the values of a GGUF header's metadata.
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/gguf/container.h"

namespace caravan {

namespace {

/// The largest array that becomes JSON: a number for each layer of the largest config.
constexpr uint64_t kMaxJsonArray = 4'096;

template <typename T>
T read(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// The double that the shortest decimal form of `value` means.
double as_written(float value) {
  if (!std::isfinite(value)) return value;
  std::array<char, 64> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  double number = 0.0;
  std::from_chars(text.data(), written.ptr, number);
  return number;
}

/// The number or boolean of `type` at `bytes`, and how many bytes it takes.
std::pair<Json, size_t> number_at(GgufValueType type, const char* bytes) {
  switch (type) {
    case GgufValueType::kUint8:
      return {read<uint8_t>(bytes), 1};
    case GgufValueType::kInt8:
      return {read<int8_t>(bytes), 1};
    case GgufValueType::kUint16:
      return {read<uint16_t>(bytes), 2};
    case GgufValueType::kInt16:
      return {read<int16_t>(bytes), 2};
    case GgufValueType::kUint32:
      return {read<uint32_t>(bytes), 4};
    case GgufValueType::kInt32:
      return {read<int32_t>(bytes), 4};
    case GgufValueType::kFloat32:
      return {as_written(read<float>(bytes)), 4};
    case GgufValueType::kBool:
      return {read<uint8_t>(bytes) != 0, 1};
    case GgufValueType::kUint64:
      return {read<uint64_t>(bytes), 8};
    case GgufValueType::kInt64:
      return {read<int64_t>(bytes), 8};
    case GgufValueType::kFloat64:
      return {read<double>(bytes), 8};
    case GgufValueType::kString:
    case GgufValueType::kArray:
      break;
  }
  CARAVAN_CHECK(type != GgufValueType::kString && type != GgufValueType::kArray);
  return {};
}

Json array_of(const GgufValue& value) {
  Json array = Json::array();
  size_t at = 0;
  for (uint64_t i = 0; i < value.count; ++i) {
    auto [element, size] = number_at(value.element, value.bytes.data() + at);
    array.push_back(std::move(element));
    at += size;
  }
  return array;
}

/// The array `key` if its elements are of one of two types; else throws, naming what they should be.
const GgufValue* find_array(const GgufHeader& header, std::string_view key, GgufValueType type,
                            GgufValueType or_type, const char* expected, const std::string& source) {
  const GgufValue* value = header.find(key);
  if (value == nullptr) return nullptr;
  if (value->type != GgufValueType::kArray || (value->element != type && value->element != or_type))
    fail(source, ": the field ", in_quotes(std::string(key)), " is not an array of ", expected);
  return value;
}

}  // namespace

Json gguf_fields(const GgufHeader& header) {
  Json fields = Json::object();
  for (const auto& [key, value] : header.metadata) {
    if (value.type == GgufValueType::kString) {
      fields[key] = std::string(value.bytes);
    } else if (value.type != GgufValueType::kArray) {
      fields[key] = number_at(value.type, value.bytes.data()).first;
    } else if (value.element != GgufValueType::kString && value.count <= kMaxJsonArray) {
      fields[key] = array_of(value);
    }
  }
  return fields;
}

std::optional<std::vector<std::string_view>> gguf_strings(const GgufHeader& header, std::string_view key,
                                                          const std::string& source) {
  const GgufValue* value =
      find_array(header, key, GgufValueType::kString, GgufValueType::kString, "strings", source);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string_view> strings;
  std::string_view rest = value->bytes;
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto length = read<uint64_t>(rest.data());
    strings.push_back(rest.substr(sizeof length, length));
    rest.remove_prefix(sizeof length + length);
    if (utf8_first_invalid(strings.back())) {
      fail(source, ": the field ", in_quotes(std::string(key)), " holds ",
           in_quotes(std::string(strings.back())), " at ", i, ", expected valid UTF-8");
    }
  }
  return strings;
}

std::optional<std::vector<float>> gguf_floats(const GgufHeader& header, std::string_view key,
                                              const std::string& source) {
  const GgufValue* value =
      find_array(header, key, GgufValueType::kFloat32, GgufValueType::kFloat32, "32-bit floats", source);
  if (value == nullptr) return std::nullopt;
  std::vector<float> numbers;
  for (uint64_t i = 0; i < value->count; ++i) {
    numbers.push_back(read<float>(value->bytes.data() + i * sizeof(float)));
    if (!std::isfinite(numbers.back())) {
      fail(source, ": the field ", in_quotes(std::string(key)), " holds ", numbers.back(), " at ", i,
           ", expected finite numbers");
    }
  }
  return numbers;
}

std::optional<std::vector<int32_t>> gguf_integers(const GgufHeader& header, std::string_view key,
                                                  const std::string& source) {
  const GgufValue* value =
      find_array(header, key, GgufValueType::kInt32, GgufValueType::kUint32, "32-bit integers", source);
  if (value == nullptr) return std::nullopt;
  std::vector<int32_t> numbers;
  for (uint64_t i = 0; i < value->count; ++i)
    numbers.push_back(read<int32_t>(value->bytes.data() + i * sizeof(int32_t)));
  return numbers;
}

}  // namespace caravan
