// The statements of evaluator.h.
#include "text/jinja/access.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/loop.h"
#include "text/jinja/text_form.h"

namespace caravan::jinja {

namespace {

ScopePtr inside(const ScopePtr& around) {
  auto scope = std::make_shared<Scope>();
  scope->parent = around;
  return scope;
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

Evaluator::Evaluator(std::unordered_map<std::string, Value> globals, Keeper& keeper, Budget& budget)
    : globals_(std::move(globals)), budget_(&budget), keeper_(&keeper) {}

Evaluator::~Evaluator() {
  for (const ScopePtr& scope : captured_) scope->names.clear();
}

std::string Evaluator::render(const Body& body) {
  std::string out;
  run(body, std::make_shared<Scope>(), out);
  return out;
}

Evaluator::Flow Evaluator::run(const Body& body, const ScopePtr& scope, std::string& out) {
  for (const auto& statement : body) {
    const Flow flow = run_statement(*statement, scope, out);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

void Evaluator::print(const std::string& text, std::string& out) {
  if (text.size() > budget_->limits().output - out.size())
    problem("the rendered text is longer than ", budget_->limits().output, " bytes");
  out += text;
}

Evaluator::Flow Evaluator::run_statement(const Statement& statement, const ScopePtr& scope,
                                         std::string& out) {
  const Descent descent(*budget_);
  budget_->steps();
  line_ = statement.line;
  const Overloaded visitor{[&](const Text& node) {
                             budget_->bytes(node.text.size());
                             print(node.text, out);
                             return Flow::kNormal;
                           },
                           [&](const Print& node) {
                             const Value value = evaluate(*node.value, scope);
                             line_ = statement.line;
                             print(to_text(value, *budget_), out);
                             return Flow::kNormal;
                           },
                           [&](const If& node) { return run_if(node, scope, out); },
                           [&](const For& node) { return run_for(node, scope, out); },
                           [&](const Set& node) {
                             assign(node.target, evaluate(*node.value, scope), scope);
                             return Flow::kNormal;
                           },
                           [&](const SetBlock& node) { return run_set_block(node, scope); },
                           [&](const With& node) { return run_with(node, scope, out); },
                           [&](const MacroDefinition& node) {
                             scope->names[node.name] = make_macro(node, scope);
                             return Flow::kNormal;
                           },
                           [&](const CallBlock& node) {
                             run_call_block(node, scope, out);
                             return Flow::kNormal;
                           },
                           [&](const FilterBlock& node) { return run_filter_block(node, scope, out); },
                           [&](const Generation& node) {
                             run(node.body, inside(scope), out);
                             return Flow::kNormal;
                           },
                           [&](const Break& /*node*/) { return Flow::kBreak; },
                           [&](const Continue& /*node*/) { return Flow::kContinue; }};
  return std::visit(visitor, statement.node);
}

Evaluator::Flow Evaluator::run_if(const If& node, const ScopePtr& scope, std::string& out) {
  for (const auto& [condition, body] : node.branches)
    if (condition == nullptr || is_true(evaluate(*condition, scope))) return run(body, scope, out);
  return Flow::kNormal;
}

std::vector<Value> Evaluator::loop_items(const For& node, const ScopePtr& scope) {
  const int line = line_;
  const Value source = evaluate(*node.items, scope);
  line_ = line;
  std::vector<Value> items = iterate(source, *budget_);
  if (node.filter == nullptr) return items;
  std::vector<Value> wanted;
  for (Value& item : items) {
    const ScopePtr test_scope = inside(scope);
    assign(node.target, item, test_scope);
    if (is_true(evaluate(*node.filter, test_scope))) wanted.push_back(std::move(item));
  }
  return wanted;
}

Evaluator::Flow Evaluator::run_for(const For& node, const ScopePtr& scope, std::string& out) {
  const int line = line_;
  const auto loop = std::make_shared<Loop>(loop_items(node, scope), *keeper_);
  // As jinja2, which runs the else where no iteration came to its end, be it by break or continue.
  bool any_finished = false;
  for (size_t i = 0; i < loop->items().size(); ++i) {
    budget_->steps();
    line_ = line;
    loop->set_index(i);
    const ScopePtr iteration = inside(scope);
    iteration->names["loop"] = Value::object(loop);
    assign(node.target, loop->items()[i], iteration);
    const Flow flow = run(node.body, iteration, out);
    if (flow == Flow::kBreak) break;
    any_finished = any_finished || flow == Flow::kNormal;
  }
  return any_finished ? Flow::kNormal : run(node.otherwise, inside(scope), out);
}

void Evaluator::assign(const Target& target, const Value& value, const ScopePtr& scope) {
  if (target.is_tuple) {
    const std::vector<Value> items = iterate(value, *budget_);
    if (items.size() != target.parts.size())
      problem(items.size(), " values are unpacked into ", target.parts.size(), " names");
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
  } else if (target.attribute.empty()) {
    scope->names[target.name] = value;
  } else {
    const Value object = lookup(target.name, *scope);
    if (object.is_undefined()) problem(object.reason());
    if (object.as_object() == nullptr) {
      problem("only a namespace() can have its attributes set, and '", target.name, "' is a ",
              object.type_name());
    }
    object.as_object()->set_attribute(target.attribute, value);
  }
}

Evaluator::Flow Evaluator::run_set_block(const SetBlock& node, const ScopePtr& scope) {
  std::string text;
  const ScopePtr block = inside(scope);
  const Flow flow = run(node.body, block, text);
  if (flow != Flow::kNormal) return flow;
  const Value value =
      node.filter == nullptr ? Value::text(std::move(text)) : filtered(*node.filter, std::move(text), block);
  assign(node.target, value, scope);
  return Flow::kNormal;
}

Evaluator::Flow Evaluator::run_with(const With& node, const ScopePtr& scope, std::string& out) {
  const ScopePtr block = inside(scope);
  for (const auto& [target, value] : node.values) assign(target, evaluate(*value, scope), block);
  return run(node.body, block, out);
}

Evaluator::Flow Evaluator::run_filter_block(const FilterBlock& node, const ScopePtr& scope,
                                            std::string& out) {
  std::string text;
  const ScopePtr block = inside(scope);
  const Flow flow = run(node.body, block, text);
  if (flow != Flow::kNormal) return flow;
  print(to_text(filtered(*node.filter, std::move(text), block), *budget_), out);
  return Flow::kNormal;
}

void Evaluator::run_call_block(const CallBlock& node, const ScopePtr& scope, std::string& out) {
  const Value caller = make_macro(node.caller, scope);
  const Value result = call(std::get<Call>(node.call->node), scope, &caller);
  print(to_text(result, *budget_), out);
}

}  // namespace caravan::jinja
