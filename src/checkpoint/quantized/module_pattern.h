// Which modules of a model an entry of a quantization_config means: the class "Linear", one module by its
// name, or every module whose name begins with a match of "re:…", a regular expression of Python's re.
// Thread safety: matching is const and may be done from several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace caravan {

class ModulePattern {
 public:
  /// What an entry means, from the one that decides first to the one that decides last.
  enum class Kind : uint8_t { kName, kExpression, kLinear };

  /// Throws Error, beginning with `where` (file and field), if `text` is "re:" and no regular expression.
  ModulePattern(const std::string& text, const std::string& where);

  [[nodiscard]] Kind kind() const { return kind_; }
  /// As it was written.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Whether it means the module of this name ("model.layers.0.mlp.up_proj"), which has a matrix of weights.
  /// Throws Error if a regular expression needs more steps than any that is written for names.
  [[nodiscard]] bool matches(std::string_view module) const;

 private:
  struct Expression;
  Kind kind_ = Kind::kName;
  std::string text_;
  std::string where_;
  std::shared_ptr<const Expression> expression_;
};

}  // namespace caravan
