#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/error.h"

namespace caravan {

namespace {

/// Builds the value event by event, so that doubled names and depth can be refused where they occur.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(std::string source) : source_(std::move(source)) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(Json(nullptr)); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return put(Json(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return put(Json(value)); }
  bool string(string_t& value) override { return put(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*count*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*count*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.names.insert(name).second)
      fail(source_, ": the name ", in_quotes(name), " appears twice in one object");
    level.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*last_token*/,
                   const nlohmann::json::exception& error) override {
    constexpr std::string_view kOpening = "parse error at ";
    const std::string why = reason(error.what());
    if (why.starts_with(kOpening)) fail(source_, ": not valid JSON at ", why.substr(kOpening.size()));
    fail(source_, ": not valid JSON at byte ", position, ": ", why);
  }

 private:
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> names;
  };

  /// What is wrong, out of the library's "[json.exception.parse_error.101] parse error at line …: reason;
  /// last read: 'token'". The token may be the whole file, and not UTF-8, so it is left out.
  static std::string reason(const std::string& text) {
    // Longer than any of the library's own sentences.
    constexpr size_t kMaxReason = 160;
    const size_t start = text.find("] ");
    const size_t from = start == std::string::npos ? 0 : start + 2;
    const size_t to = std::min({text.find("; last read", from), text.size(), from + kMaxReason});
    return text.substr(from, to - from);
  }

  bool put(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = levels_.back(); level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      // The name is known to be new, so the ordered map's linear search for it can be skipped.
      auto& object = level.value.get_ref<Json::object_t&>();
      object.Container::emplace_back(std::move(level.key), std::move(value));
    }
    return true;
  }

  bool open(Json empty) {
    if (levels_.size() >= static_cast<size_t>(kMaxJsonDepth)) {
      fail(source_, ": nested more than ", kMaxJsonDepth, " levels deep, which no file of this kind is");
    }
    levels_.push_back({std::move(empty), {}, {}});
    return true;
  }

  bool close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    return put(std::move(value));
  }

  std::string source_;
  Json root_;
  std::vector<Level> levels_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& source) {
  StrictBuilder builder(source);
  Json::sax_parse(text, &builder);
  return builder.take();
}

std::string describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array of " + std::to_string(value.size());
    case Json::value_t::string:
      return "the string " + in_quotes(value.get<std::string>());
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return "the number " + value.dump();
  }
}

JsonObject::JsonObject(const Json& value, std::string source, std::string path)
    : value_(&value), source_(std::move(source)), path_(std::move(path)) {
  if (!value.is_object()) {
    fail(source_, ": ", path_.empty() ? "the file" : "field " + in_quotes(path_), " is ", describe(value),
         ", expected an object");
  }
}

const Json* JsonObject::find(const std::string& name) const {
  const auto found = value_->find(name);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonObject::has(const std::string& name) const { return find(name) != nullptr; }

std::string JsonObject::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void JsonObject::wrong(const std::string& name, const std::string& expected) const {
  const Json* found = find(name);
  fail(source_, ": field ", in_quotes(path_of(name)), " is ", found == nullptr ? "missing" : describe(*found),
       ", expected ", expected);
}

const Json& JsonObject::required(const std::string& name, const std::string& expected) const {
  const Json* found = find(name);
  if (found == nullptr) wrong(name, expected);
  return *found;
}

int64_t JsonObject::integer(const std::string& name, int64_t low, int64_t high) const {
  const std::string expected = "an integer from " + std::to_string(low) + " to " + std::to_string(high);
  const Json& value = required(name, expected);
  if (value.is_number_integer()) {
    const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX};
    if (fits && value.get<int64_t>() >= low && value.get<int64_t>() <= high) return value.get<int64_t>();
  }
  wrong(name, expected);
}

int64_t JsonObject::integer_or(const std::string& name, int64_t low, int64_t high, int64_t otherwise) const {
  return has(name) ? integer(name, low, high) : otherwise;
}

double JsonObject::number(const std::string& name, double low, double high) const {
  std::ostringstream expected;
  expected << "a number from " << low << " to " << high;
  const Json& value = required(name, expected.str());
  if (value.is_number()) {
    const double number = value.get<double>();
    if (std::isfinite(number) && number >= low && number <= high) return number;
  }
  wrong(name, expected.str());
}

double JsonObject::number_or(const std::string& name, double low, double high, double otherwise) const {
  return has(name) ? number(name, low, high) : otherwise;
}

bool JsonObject::boolean_or(const std::string& name, bool otherwise) const {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::string JsonObject::string(const std::string& name) const {
  const Json& value = required(name, "a string");
  if (!value.is_string()) wrong(name, "a string");
  return value.get<std::string>();
}

std::string JsonObject::string_or(const std::string& name, const std::string& otherwise) const {
  return has(name) ? string(name) : otherwise;
}

std::optional<JsonObject> JsonObject::object(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) wrong(name, "an object");
  return JsonObject(*value, source_, path_of(name));
}

const Json* JsonObject::array(const std::string& name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_array()) wrong(name, "an array");
  return value;
}

}  // namespace caravan
