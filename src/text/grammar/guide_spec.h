// What generated text must match, as a request says it. guide.h compiles it.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan {

struct GuideSpec {
  enum class Kind : uint8_t {
    kJsonObject,  ///< any JSON object
    kJsonSchema,  ///< JSON that fits the schema in `text`
    kRegex,       ///< the whole text matches the regular expression in `text`
    kChoice,      ///< one of `choices`
    kGrammar,     ///< GBNF, as llama.cpp's, in `text`
  };
  Kind kind = Kind::kJsonObject;
  std::string text;
  std::vector<std::string> choices;
  bool operator==(const GuideSpec&) const = default;
};

}  // namespace caravan
