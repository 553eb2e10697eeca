#include "serve/api/body.h"

#include <cmath>
#include <sstream>
#include <utility>

#include "serve/api/failure.h"

namespace caravan::serve {

namespace {

template <typename Number>
std::string range_text(const char* what, Number low, Number high) {
  std::ostringstream out;
  out << what << " from " << low << " to " << high;
  return out.str();
}

}  // namespace

Json parse_body(const http::Request& request) {
  try {
    Json body = parse_json(request.body, "the body");
    if (!body.is_object()) fail("the body is ", describe(body), ", expected a JSON object");
    return body;
  } catch (const RequestError&) {
    throw;
  } catch (const Error& error) {
    throw RequestError({FailureKind::kMalformed, error.what(), "", ""});
  }
}

void wrong_field(const std::string& field, const std::string& found, const std::string& expected) {
  throw RequestError(
      {FailureKind::kInvalid, "\"" + field + "\" is " + found + ", expected " + expected, field, ""});
}

Fields::Fields(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {
  if (!object.is_object()) wrong_field(path_, describe(object), "an object");
}

const Json* Fields::find(const std::string& name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::optional<int64_t> Fields::integer(const std::string& name, int64_t low, int64_t high) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  // Compared as whole numbers: as a double, the greatest of 64 bits is one more than it is.
  const auto in_range = [&](auto number) {
    return std::cmp_greater_equal(number, low) && std::cmp_less_equal(number, high);
  };
  if (value->is_number_unsigned() && in_range(value->get<uint64_t>())) return value->get<int64_t>();
  if (value->is_number_integer() && !value->is_number_unsigned() && in_range(value->get<int64_t>()))
    return value->get<int64_t>();
  if (value->is_number_float()) {
    const auto number = value->get<double>();
    // Up to 2^53 a double holds every whole number.
    if (std::floor(number) == number && std::abs(number) <= 0x1p53 && in_range(static_cast<int64_t>(number)))
      return static_cast<int64_t>(number);
  }
  wrong(name, range_text("a whole number", low, high));
}

std::optional<double> Fields::number(const std::string& name, double low, double high) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto number = value->get<double>();
    if (number >= low && number <= high) return number;
  }
  wrong(name, range_text("a number", low, high));
}

std::optional<bool> Fields::boolean(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::optional<std::string> Fields::string(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) wrong(name, "a string");
  return value->get<std::string>();
}

std::optional<Fields> Fields::object(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  return Fields(*value, path_of(name));
}

const Json* Fields::array(const std::string& name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_array()) wrong(name, "a list");
  return value;
}

void Fields::wrong(const std::string& name, const std::string& expected) const {
  const Json* value = find(name);
  wrong_field(path_of(name), value == nullptr ? "missing" : describe(*value), expected);
}

std::string Fields::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

http::Response json_response(const Json& body, int status) {
  return {status, "application/json", json_text(body), {}};
}

std::string sse_event(const Json& value) { return "data: " + json_text(value) + "\n\n"; }

}  // namespace caravan::serve
