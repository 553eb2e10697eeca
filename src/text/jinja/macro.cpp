// The macros of evaluator.h: how they are made, and how a call's arguments reach the parameters.
#include <algorithm>

#include "text/jinja/evaluator.h"

namespace caravan::jinja {

namespace {

class Macro : public Object {
 public:
  Macro(Evaluator& evaluator, const MacroDefinition& definition, ScopePtr around)
      : evaluator_(&evaluator), definition_(&definition), around_(std::move(around)) {}

  [[nodiscard]] std::string type_name() const override { return "macro"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  Value call(const Arguments& arguments, Budget& /*budget*/) override {
    return Value::text(evaluator_->run_macro(*definition_, around_, arguments));
  }
  Value attribute(const std::string& name, Budget& budget) override {
    if (name == "name") return Value::text(definition_->name);
    return Object::attribute(name, budget);
  }

 private:
  Evaluator* evaluator_;
  const MacroDefinition* definition_;
  ScopePtr around_;
};

bool has_parameter(const MacroDefinition& macro, const std::string& name) {
  return std::any_of(macro.parameters.begin(), macro.parameters.end(),
                     [&name](const auto& parameter) { return parameter.first == name; });
}

/// Takes the argument `name` out of `keywords`, or nothing where it was not given.
std::optional<Value> take_keyword(std::vector<std::pair<std::string, Value>>& keywords,
                                  const std::string& name) {
  const auto found = std::find_if(keywords.begin(), keywords.end(),
                                  [&name](const auto& keyword) { return keyword.first == name; });
  if (found == keywords.end()) return std::nullopt;
  Value value = std::move(found->second);
  keywords.erase(found);
  return value;
}

}  // namespace

Value Evaluator::make_macro(const MacroDefinition& macro, const ScopePtr& scope) {
  for (ScopePtr level = scope; level != nullptr && !level->is_captured; level = level->parent) {
    level->is_captured = true;
    captured_.push_back(level);
  }
  return Value::object(std::make_shared<Macro>(*this, macro, scope));
}

std::string Evaluator::run_macro(const MacroDefinition& macro, const ScopePtr& around,
                                 const Arguments& arguments) {
  const Descent descent(*budget_);
  const auto scope = std::make_shared<Scope>();
  scope->parent = around;
  bind_arguments(macro, arguments, scope);
  std::string out;
  run(macro.body, scope, out);
  return out;
}

void Evaluator::bind_arguments(const MacroDefinition& macro, const Arguments& arguments,
                               const ScopePtr& scope) {
  auto keywords = arguments.keywords;
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const auto& [name, otherwise] = macro.parameters[i];
    std::optional<Value> given;
    if (i < arguments.positional.size()) {
      given = arguments.positional[i];
    } else {
      given = take_keyword(keywords, name);
    }
    if (!given && otherwise != nullptr) given = evaluate(*otherwise, scope);
    scope->names[name] = given ? *given : Value::undefined("the parameter '" + name + "' was not given");
  }
  bind_extra_arguments(macro, arguments, std::move(keywords), *scope);
}

void Evaluator::bind_extra_arguments(const MacroDefinition& macro, const Arguments& arguments,
                                     std::vector<std::pair<std::string, Value>> keywords, Scope& scope) {
  if (macro.uses_caller && !has_parameter(macro, "caller")) {
    scope.names["caller"] = take_keyword(keywords, "caller")
                                .value_or(Value::undefined("'caller' is undefined: the macro '" + macro.name +
                                                           "' is not used in a {% call %}"));
  }
  if (macro.uses_kwargs) {
    Dict extra;
    for (const auto& [name, value] : keywords) extra.set(Value::text(name), value, *budget_);
    scope.names["kwargs"] = Value::dict(std::move(extra));
  } else if (!keywords.empty()) {
    problem("the macro '", macro.name, "' has no parameter '", keywords.front().first, "'");
  }
  const size_t taken = std::min(macro.parameters.size(), arguments.positional.size());
  const auto rest = arguments.positional.begin() + static_cast<std::ptrdiff_t>(taken);
  if (macro.uses_varargs) {
    scope.names["varargs"] = Value::tuple({rest, arguments.positional.end()});
  } else if (rest != arguments.positional.end()) {
    problem("the macro '", macro.name, "' takes ", macro.parameters.size(), " arguments, not ",
            arguments.positional.size());
  }
}

}  // namespace caravan::jinja
