// The compiler behind json_schema.h: one function for each kind of value.
// Thread safety: one thread; used once.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "text/grammar/json_text.h"
#include "text/grammar/schema_document.h"

namespace caravan::grammar {

class SchemaCompiler {
 public:
  explicit SchemaCompiler(const std::string& text);

  /// Call once.
  Grammar compile();

 private:
  struct Member {
    Sequence text;  ///< name, colon and value
    bool required = false;
  };

  // schema_compiler.cpp
  Sequence value(const Json& schema, const std::string& where);
  Sequence object_schema(const Json& schema, const std::string& where);
  Sequence reference(const Json& target, const std::string& where);
  Sequence any_schema(const Json& schema, const std::string& key, const std::string& where);
  Sequence all_schemas(const Json& schema, const std::string& where);
  Sequence literals(const Json& schema, const std::string& where);
  Sequence of_type(const std::string& type, const Json& schema, const std::string& where);
  std::set<std::string> types(const Json& schema, const std::string& where) const;

  // schema_values.cpp
  Sequence string(const Json& schema, const std::string& where);
  Sequence integer(const Json& schema, const std::string& where);
  Sequence number(const Json& schema, const std::string& where);
  Sequence array(const Json& schema, const std::string& where);
  Sequence object(const Json& schema, const std::string& where);
  Sequence members(const std::vector<Member>& listed, const Sequence& other);
  /// The keyword's value, from 0 to kMaxRepetition; nothing if the schema does not have it.
  std::optional<uint64_t> count(const Json& schema, const std::string& key, const std::string& where) const;

  GrammarBuilder builder_;
  SchemaDocument document_;
  JsonText json_;
  std::map<std::string, uint32_t> references_;  ///< rules by what they point to
  std::deque<std::string> pending_;             ///< references whose rules are not defined yet
  int depth_ = 0;
};

}  // namespace caravan::grammar
