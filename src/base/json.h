// JSON from files: parsed strictly, and read field by field so that each mistake names its file and field.
//
// Strictly: a name that appears twice in one object, nesting deeper than kMaxJsonDepth, bytes that are not
// UTF-8, and anything after the value are errors. Thread safety: pure functions; a JsonObject is a view and
// must not outlive its Json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace caravan {

/// Keeps the order of a file's fields: tokenizers and templates show it to users.
using Json = nlohmann::ordered_json;

/// Deeper than any real file (tokenizers nest to about 8), shallow enough to walk by recursion.
constexpr int kMaxJsonDepth = 100;

/// Parses `text`. `source` is the file's path, for messages. Throws Error.
Json parse_json(std::string_view text, const std::string& source);

/// What a value is, in words for an error message: `the string "abc"`, `the number 3`, `an object` …
std::string describe(const Json& value);

/// Fields of one JSON object. Every function throws an Error of the form
/// `SOURCE: field "a.b" is FOUND, expected …` where a field is missing (the non-optional forms), or not of
/// its type. A field that is null counts as absent.
class JsonObject {
 public:
  /// `value` must be an object, else Error; `path` is its own name inside the file ("" for the whole file).
  JsonObject(const Json& value, std::string source, std::string path = "");

  [[nodiscard]] bool has(const std::string& name) const;
  /// The raw value, or nullptr where absent or null.
  [[nodiscard]] const Json* find(const std::string& name) const;

  [[nodiscard]] int64_t integer(const std::string& name, int64_t low, int64_t high) const;
  [[nodiscard]] int64_t integer_or(const std::string& name, int64_t low, int64_t high,
                                   int64_t otherwise) const;
  [[nodiscard]] double number(const std::string& name, double low, double high) const;
  [[nodiscard]] double number_or(const std::string& name, double low, double high, double otherwise) const;
  [[nodiscard]] bool boolean_or(const std::string& name, bool otherwise) const;
  [[nodiscard]] std::string string(const std::string& name) const;
  [[nodiscard]] std::string string_or(const std::string& name, const std::string& otherwise) const;
  /// The object `name`, or nothing where absent.
  [[nodiscard]] std::optional<JsonObject> object(const std::string& name) const;
  /// The array `name`, or nullptr where absent.
  [[nodiscard]] const Json* array(const std::string& name) const;

  /// The name of the field `name` inside the file: "path.name".
  [[nodiscard]] std::string path_of(const std::string& name) const;
  /// Throws `SOURCE: field "path.name" is FOUND, expected EXPECTED`.
  [[noreturn]] void wrong(const std::string& name, const std::string& expected) const;

  [[nodiscard]] const Json& json() const { return *value_; }
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  [[nodiscard]] const Json& required(const std::string& name, const std::string& expected) const;

  const Json* value_;
  std::string source_;
  std::string path_;
};

}  // namespace caravan
