// A Jinja template: parsed once, rendered many times.
//
// The language is that of jinja2 3.1 as transformers configures it for chat templates (trim_blocks,
// lstrip_blocks, break and continue, an immutable sandbox). A construct, filter or test that is not supported
// fails in parsing, never silently. What differs from jinja2: integers have 64 bits; a value whose printed
// form in Python is an address (a generator, a function) is an error to print; `safe` marks nothing, because
// nothing is escaped; there are limits on steps, text and depth (budget.h). Thread safety: immutable once
// made; render may run on many threads at once.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "text/jinja/budget.h"

namespace caravan::jinja {

class Template {
 public:
  /// `name` is what messages call the template: "the chat template", or a path. Throws Error, one sentence
  /// with the line, on anything that is wrong or not supported.
  Template(std::string_view source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;

  /// The text for `variables`, an object; `now` is what strftime_now formats. Throws Error, one sentence with
  /// the line; what the template says by raise_exception stands in it word for word.
  [[nodiscard]] std::string render(const Json& variables, const std::tm& now,
                                   const Limits& limits = {}) const;

 private:
  struct Tree;
  std::unique_ptr<const Tree> tree_;
  std::string name_;
};

}  // namespace caravan::jinja
