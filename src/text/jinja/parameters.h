// The arguments of a call of ours, by position or name, with the errors that Python has for wrong ones.
// Thread safety: a view; it must not outlive the Arguments.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/object.h"

namespace caravan::jinja {

class Parameters {
 public:
  /// Binds `arguments` to `names`, of which the first `required` must be given. Problem on an argument too
  /// many, unknown, given twice or missing; `function` is how the messages call the callee.
  Parameters(std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> names, size_t required = 0);

  /// The argument, or nullptr where it was not given.
  [[nodiscard]] const Value* find(size_t index) const { return values_[index]; }
  /// The argument, which is required or was found.
  [[nodiscard]] const Value& at(size_t index) const { return *values_[index]; }
  /// The same, where given; None where not.
  [[nodiscard]] Value get(size_t index) const {
    return values_[index] == nullptr ? Value() : *values_[index];
  }

  // Each throws Problem where the argument is of another type.
  [[nodiscard]] int64_t integer(size_t index, int64_t otherwise) const;
  [[nodiscard]] bool truth(size_t index, bool otherwise) const;
  /// The text, or nullptr where it was not given or is None.
  [[nodiscard]] const std::string* text(size_t index) const;
  /// The text, which is required.
  [[nodiscard]] const std::string& required_text(size_t index) const;

 private:
  [[noreturn]] void wrong(size_t index, std::string_view expected) const;

  std::string_view function_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

}  // namespace caravan::jinja
