// Reads the JSON body of a request field by field; every mistake is a RequestError that names its field.
//
// A field that is null counts as absent. Thread safety: value types; Fields is a view and must not outlive
// its Json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "serve/http/message.h"

namespace caravan::serve {

/// The body as a JSON object. Throws RequestError (kMalformed) on anything else.
Json parse_body(const http::Request& request);

/// Throws RequestError (kInvalid) of the form `"FIELD" is FOUND, expected EXPECTED`.
[[noreturn]] void wrong_field(const std::string& field, const std::string& found,
                              const std::string& expected);

class Fields {
 public:
  /// `object` must be a JSON object, else RequestError; `path` is its own name in the body, "" for the whole.
  explicit Fields(const Json& object, std::string path = "");

  /// The raw value, or nullptr where absent or null.
  [[nodiscard]] const Json* find(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }

  /// Each nothing where absent; RequestError where of another type or outside low .. high. Whole numbers may
  /// be written with a point, as clients in Python do.
  [[nodiscard]] std::optional<int64_t> integer(const std::string& name, int64_t low, int64_t high) const;
  [[nodiscard]] std::optional<double> number(const std::string& name, double low, double high) const;
  [[nodiscard]] std::optional<bool> boolean(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> string(const std::string& name) const;
  [[nodiscard]] std::optional<Fields> object(const std::string& name) const;
  /// The array `name`, or nullptr where absent.
  [[nodiscard]] const Json* array(const std::string& name) const;

  /// Throws RequestError saying what `name` is and what was expected.
  [[noreturn]] void wrong(const std::string& name, const std::string& expected) const;
  /// "parameters.top_k": the name with the object's own before it.
  [[nodiscard]] std::string path_of(const std::string& name) const;

 private:
  const Json* object_;
  std::string path_;
};

/// `value` as JSON text. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const Json& value);
/// A response with a JSON body.
http::Response json_response(const Json& body, int status = 200);
/// One server-sent event: "data: TEXT" and a blank line.
std::string sse_event(const Json& value);

}  // namespace caravan::serve
