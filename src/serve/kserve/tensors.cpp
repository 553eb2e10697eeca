#include "serve/kserve/tensors.h"

#include <limits>
#include <optional>

#include "serve/api/body.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

constexpr const char* kLengthHeader = "Inference-Header-Content-Length";

/// The number of elements that a shape holds, where it is one that a prompt may have.
size_t elements_of(const Fields& tensor, bool text) {
  const std::string expected = text ? "[N] or [N, 1], N at least 1" : "[N] or [1, N], N at least 1";
  const Json* shape = tensor.array("shape");
  if (shape == nullptr || shape->empty() || shape->size() > 2) tensor.wrong("shape", expected);
  size_t elements = 1;
  size_t ones = 0;
  for (const Json& size : *shape) {
    const bool fits = size.is_number_unsigned() && size.get<uint64_t>() >= 1 &&
                      size.get<uint64_t>() <= std::numeric_limits<int32_t>::max();
    if (!fits) wrong_field(tensor.path_of("shape"), "a list with " + describe(size), expected);
    const auto number = size.get<size_t>();
    ones += number == 1 ? 1 : 0;
    elements *= number;
  }
  if (ones + 1 < shape->size()) wrong_field(tensor.path_of("shape"), shape->dump(), expected);
  return elements;
}

/// Lists may be nested as the shape is.
void flatten(const Json& data, std::vector<const Json*>& elements) {
  for (const Json& entry : data) {
    if (entry.is_array()) {
      flatten(entry, elements);
    } else {
      elements.push_back(&entry);
    }
  }
}

/// `bytes` as a whole number, the lowest byte first.
uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

/// Elements of BYTES: each its length in 4 bytes, then itself.
std::vector<std::string> binary_texts(std::string_view bytes, const std::string& field) {
  constexpr size_t kLength = 4;
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    const uint64_t length = bytes.size() < kLength ? bytes.size() : little_endian(bytes.substr(0, kLength));
    if (bytes.size() < kLength || length > bytes.size() - kLength) {
      invalid("\"" + field + "\": an element of the binary data reaches over its end", field);
    }
    texts.emplace_back(bytes.substr(kLength, length));
    bytes.remove_prefix(kLength + length);
  }
  return texts;
}

std::vector<int64_t> binary_numbers(std::string_view bytes, const std::string& datatype,
                                    const std::string& field) {
  const size_t width = datatype.ends_with("64") ? 8 : 4;
  if (bytes.size() % width != 0) {
    invalid("\"" + field + "\": the binary data has " + std::to_string(bytes.size()) +
                " bytes, expected a multiple of " + std::to_string(width),
            field);
  }
  std::vector<int64_t> numbers;
  for (size_t at = 0; at < bytes.size(); at += width) {
    const uint64_t value = little_endian(bytes.substr(at, width));
    // A token id is the same with a sign and without; what is not is far outside any vocabulary.
    numbers.push_back(static_cast<int64_t>(value));
  }
  return numbers;
}

/// The part of the request's binary data that the tensor says is its own; nothing where it has JSON data.
std::optional<std::string_view> binary_of(const Fields& tensor, std::string_view binary) {
  const auto parameters = tensor.object("parameters");
  if (!parameters) return std::nullopt;
  const auto size = parameters->integer("binary_data_size", 0, std::numeric_limits<int64_t>::max());
  if (!size) return std::nullopt;
  if (static_cast<uint64_t>(*size) != binary.size()) {
    parameters->wrong("binary_data_size", std::to_string(binary.size()) + ", the bytes after the JSON");
  }
  return binary;
}

void read_json_data(const Fields& tensor, bool text, PromptTensor& prompt) {
  const Json* data = tensor.array("data");
  if (data == nullptr) tensor.wrong("data", "a list");
  std::vector<const Json*> elements;
  flatten(*data, elements);
  for (const Json* element : elements) {
    const std::string found = "a list with " + describe(*element);
    if (text) {
      if (!element->is_string()) wrong_field(tensor.path_of("data"), found, "strings");
      prompt.texts.push_back(element->get<std::string>());
    } else {
      const bool fits = element->is_number_unsigned() &&
                        element->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
      if (!fits) wrong_field(tensor.path_of("data"), found, "token ids");
      prompt.ids.push_back(element->get<int64_t>());
    }
  }
}

}  // namespace

InferBody parse_infer_body(const http::Request& request) {
  const auto header = request.headers.find(kLengthHeader);
  if (!header) return {parse_body(request), {}};
  constexpr size_t kMostDigits = 18;
  const bool digits = !header->empty() && header->size() <= kMostDigits &&
                      header->find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoull(*header) > request.body.size()) {
    throw RequestError({FailureKind::kMalformed,
                        std::string(kLengthHeader) + " is " + in_quotes(*header) +
                            ", expected the length of the JSON, at most " +
                            std::to_string(request.body.size()),
                        "", ""});
  }
  const size_t length = std::stoull(*header);
  http::Request head;
  head.body = request.body.substr(0, length);
  return {parse_body(head), std::string_view(request.body).substr(length)};
}

PromptTensor read_prompt_tensor(const Json& tensor, std::string_view binary, const std::string& path) {
  const Fields fields(tensor, path);
  if (!fields.string("name")) fields.wrong("name", "a string");
  const auto datatype = fields.string("datatype");
  const bool text = datatype == "BYTES";
  const bool whole =
      datatype == "INT32" || datatype == "INT64" || datatype == "UINT32" || datatype == "UINT64";
  if (!text && !whole) fields.wrong("datatype", "\"BYTES\", \"INT32\", \"INT64\", \"UINT32\" or \"UINT64\"");
  const size_t elements = elements_of(fields, text);
  PromptTensor prompt;
  if (const auto bytes = binary_of(fields, binary)) {
    if (text) prompt.texts = binary_texts(*bytes, fields.path_of("data"));
    if (whole) prompt.ids = binary_numbers(*bytes, *datatype, fields.path_of("data"));
  } else {
    read_json_data(fields, text, prompt);
  }
  const size_t found = text ? prompt.texts.size() : prompt.ids.size();
  if (found != elements) {
    wrong_field(fields.path_of("data"), std::to_string(found) + " elements",
                std::to_string(elements) + ", as \"shape\" says");
  }
  return prompt;
}

}  // namespace caravan::serve
