// The expressions of evaluator.h.
#include "text/jinja/access.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/text_form.h"

namespace caravan::jinja {

Value Evaluator::evaluate(const Expression& expression, const ScopePtr& scope) {
  const Descent descent(*budget_);
  budget_->steps();
  line_ = expression.line;
  return std::visit([&](const auto& node) { return evaluate_node(node, scope); }, expression.node);
}

Value Evaluator::lookup(const std::string& name, const Scope& scope) const {
  for (const Scope* level = &scope; level != nullptr; level = level->parent.get()) {
    const auto found = level->names.find(name);
    if (found != level->names.end()) return found->second;
  }
  const auto global = globals_.find(name);
  return global == globals_.end() ? Value::undefined("'" + name + "' is undefined") : global->second;
}

Value Evaluator::evaluate_node(const Literal& node, const ScopePtr& /*scope*/) { return node.value; }

Value Evaluator::evaluate_node(const Name& node, const ScopePtr& scope) { return lookup(node.name, *scope); }

Value Evaluator::evaluate_node(const ListDisplay& node, const ScopePtr& scope) {
  std::vector<Value> items;
  for (const ExpressionPtr& item : node.items) items.push_back(evaluate(*item, scope));
  return Value::sequence(node.kind, std::move(items));
}

Value Evaluator::evaluate_node(const DictDisplay& node, const ScopePtr& scope) {
  Dict dict;
  for (const auto& [key, value] : node.items) {
    const Value key_value = evaluate(*key, scope);
    dict.set(key_value, evaluate(*value, scope), *budget_);
  }
  return Value::dict(std::move(dict));
}

Value Evaluator::evaluate_node(const Unary& node, const ScopePtr& scope) {
  const int line = line_;
  const Value operand = evaluate(*node.operand, scope);
  line_ = line;
  switch (node.op) {
    case UnaryOperator::kNot:
      return Value::boolean(!is_true(operand));
    case UnaryOperator::kNegate:
      return negated(operand);
    case UnaryOperator::kAffirm:
      return affirmed(operand);
  }
  return {};
}

Value Evaluator::evaluate_node(const Binary& node, const ScopePtr& scope) {
  const int line = line_;
  const Value left = evaluate(*node.left, scope);
  const Value right = evaluate(*node.right, scope);
  line_ = line;
  return apply(node.op, left, right, *budget_);
}

Value Evaluator::evaluate_node(const Concatenation& node, const ScopePtr& scope) {
  std::string text;
  for (const ExpressionPtr& part : node.parts) text += to_text(evaluate(*part, scope), *budget_);
  budget_->bytes(text.size());
  return Value::text(std::move(text));
}

Value Evaluator::evaluate_node(const Chain& node, const ScopePtr& scope) {
  const int line = line_;
  Value left = evaluate(*node.first, scope);
  for (const auto& [op, operand] : node.rest) {
    Value right = evaluate(*operand, scope);
    line_ = line;
    if (!compare(op, left, right, *budget_)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Evaluator::evaluate_node(const Logical& node, const ScopePtr& scope) {
  Value left = evaluate(*node.left, scope);
  if (is_true(left) != node.is_and) return left;
  return evaluate(*node.right, scope);
}

Value Evaluator::evaluate_node(const Conditional& node, const ScopePtr& scope) {
  if (is_true(evaluate(*node.condition, scope))) return evaluate(*node.then, scope);
  if (node.otherwise != nullptr) return evaluate(*node.otherwise, scope);
  return Value::undefined("an inline if without an else was false");
}

Value Evaluator::evaluate_node(const Attribute& node, const ScopePtr& scope) {
  const int line = line_;
  const Value object = evaluate(*node.object, scope);
  line_ = line;
  return get_attribute(object, node.name, *budget_);
}

Value Evaluator::evaluate_node(const Subscript& node, const ScopePtr& scope) {
  const int line = line_;
  const Value object = evaluate(*node.object, scope);
  const Value key = evaluate(*node.key, scope);
  line_ = line;
  return get_item(object, key, *budget_);
}

Value Evaluator::evaluate_node(const Slice& node, const ScopePtr& scope) {
  const int line = line_;
  const Value object = evaluate(*node.object, scope);
  const auto part = [&](const ExpressionPtr& part_node) {
    return part_node == nullptr ? Value() : evaluate(*part_node, scope);
  };
  const Value from = part(node.from);
  const Value to = part(node.to);
  const Value step = part(node.step);
  line_ = line;
  return get_slice(object, from, to, step, *budget_);
}

Arguments Evaluator::evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope) {
  Arguments values;
  for (const ExpressionPtr& argument : arguments.positional)
    values.positional.push_back(evaluate(*argument, scope));
  if (arguments.spread != nullptr) {
    for (Value& item : iterate(evaluate(*arguments.spread, scope), *budget_))
      values.positional.push_back(std::move(item));
  }
  for (const auto& [name, argument] : arguments.keywords)
    values.keywords.emplace_back(name, evaluate(*argument, scope));
  if (arguments.spread_keywords == nullptr) return values;
  const Value spread = evaluate(*arguments.spread_keywords, scope);
  if (spread.as_dict() == nullptr)
    problem("what follows ** in a call must be a dict, not a ", spread.type_name());
  for (const auto& [key, value] : spread.as_dict()->items()) {
    const std::string* name = key.as_text();
    if (name == nullptr) problem("the keys of what follows ** in a call must be texts");
    budget_->steps(1 + values.keywords.size());
    for (const auto& [other, given] : values.keywords)
      if (other == *name) problem("the argument '", other, "' is given twice");
    values.keywords.emplace_back(*name, value);
  }
  return values;
}

Value Evaluator::call(const Call& node, const ScopePtr& scope, const Value* caller) {
  const int line = line_;
  const Value callee = evaluate(*node.callee, scope);
  if (callee.is_undefined()) problem(callee.reason());
  Arguments arguments = evaluate_arguments(node.arguments, scope);
  if (caller != nullptr) arguments.keywords.emplace_back("caller", *caller);
  line_ = line;
  if (callee.as_object() == nullptr) problem("a ", callee.type_name(), " cannot be called");
  Value result = callee.as_object()->call(arguments, *budget_);
  line_ = line;
  return result;
}

Value Evaluator::evaluate_node(const Call& node, const ScopePtr& scope) { return call(node, scope, nullptr); }

Value Evaluator::evaluate_node(const FilterUse& node, const ScopePtr& scope) {
  const int line = line_;
  const Value input = node.input == nullptr ? block_text_ : evaluate(*node.input, scope);
  const Arguments arguments = evaluate_arguments(node.arguments, scope);
  line_ = line;
  return node.filter(input, arguments, *budget_);
}

Value Evaluator::evaluate_node(const TestUse& node, const ScopePtr& scope) {
  const int line = line_;
  const Value input = evaluate(*node.input, scope);
  const Arguments arguments = evaluate_arguments(node.arguments, scope);
  line_ = line;
  return Value::boolean(node.test(input, arguments, *budget_));
}

Value Evaluator::filtered(const Expression& filter, std::string text, const ScopePtr& scope) {
  block_text_ = Value::text(std::move(text));
  return evaluate(filter, scope);
}

}  // namespace caravan::jinja
