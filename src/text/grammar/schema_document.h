// A JSON schema as a document: its keywords checked, its references followed, and schemas that hold together
// (allOf, and what stands beside $ref and anyOf) merged into one. Thread safety: constant once built.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace caravan::grammar {

class SchemaDocument {
 public:
  /// Throws Error if `text` is no JSON or no schema.
  SchemaDocument(const std::string& text, std::string source);

  [[nodiscard]] const Json& root() const { return root_; }
  /// What the reference points to: "#" or "#/…". Throws Error on any other.
  [[nodiscard]] const Json& at(const std::string& reference) const;

  /// Throws Error, naming the keyword, if `schema` (an object) has one that is not supported.
  void check_keywords(const Json& schema, const std::string& where) const;
  /// Whether any keyword of `schema` but those in `except` says something about values.
  [[nodiscard]] static bool constrains(const Json& schema, const std::vector<std::string>& except);

  /// The schema that holds where both do. Throws Error, naming the keyword, where it cannot be written as
  /// one.
  [[nodiscard]] Json merged(const Json& a, const Json& b, const std::string& where) const;

  /// `schema` with what its $ref points to in it.
  [[nodiscard]] Json without_reference(const Json& schema, const std::string& where) const {
    return without_reference(schema, where, 0);
  }

  [[noreturn]] void wrong(const std::string& where, const std::string& what) const;

 private:
  [[nodiscard]] Json merged(const Json& a, const Json& b, const std::string& where, int depth) const;
  [[nodiscard]] Json without_reference(const Json& schema, const std::string& where, int depth) const;
  /// Refuses two schemas of which one decides about properties that only the other lists.
  void check_additional(const Json& closed, const Json& other, const std::string& where) const;
  void merge_keyword(Json& into, const std::string& key, const Json& value, const std::string& where) const;
  void merge_properties(Json& into, const Json& more) const;

  Json root_;
  std::string source_;
  mutable int merges_ = 0;
};

}  // namespace caravan::grammar
