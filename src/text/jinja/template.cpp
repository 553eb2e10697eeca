#include "text/jinja/template.h"

#include "base/error.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/functions.h"
#include "text/jinja/parser.h"
#include "text/jinja/text_form.h"

namespace caravan::jinja {

struct Template::Tree {
  Body body;
};

namespace {

[[noreturn]] void fail_at(const std::string& name, int line, const std::string& message) {
  fail(name, line > 0 ? ", line " + std::to_string(line) : "", ": ", message);
}

/// The functions, and over them the variables, which may hide a function.
std::unordered_map<std::string, Value> make_globals(const Json& variables, const std::tm& now, Keeper& keeper,
                                                    const std::string& name, Budget& budget) {
  auto globals = make_functions(keeper, now);
  for (const auto& [key, value] : variables.items()) {
    try {
      globals[key] = from_json(value, budget);
    } catch (const Problem& wrong) {
      fail(name, ": the variable ", in_quotes(key), " cannot be given to it: ", wrong.what());
    }
  }
  return globals;
}

}  // namespace

Template::Template(std::string_view source, std::string name) : name_(std::move(name)) {
  try {
    tree_ = std::make_unique<const Tree>(Tree{Parser(tokenize(source)).parse()});
  } catch (const Problem& wrong) {
    fail_at(name_, wrong.line, wrong.what());
  }
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Json& variables, const std::tm& now, const Limits& limits) const {
  Budget budget(limits);
  Keeper keeper;
  Evaluator evaluator(make_globals(variables, now, keeper, name_, budget), keeper, budget);
  try {
    return evaluator.render(tree_->body);
  } catch (const Problem& wrong) {
    fail_at(name_, evaluator.line(), wrong.what());
  }
}

}  // namespace caravan::jinja
