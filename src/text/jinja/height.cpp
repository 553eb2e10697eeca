#include "text/jinja/height.h"

#include <algorithm>

namespace caravan::jinja {

namespace {

/// The highest of the children that it is shown.
class Highest {
 public:
  void see(const ExpressionPtr& child) {
    if (child != nullptr) highest_ = std::max(highest_, child->height);
  }
  void see(const std::vector<ExpressionPtr>& children) {
    for (const ExpressionPtr& child : children) see(child);
  }
  void see(const Body& body) {
    for (const auto& statement : body) highest_ = std::max(highest_, statement->height);
  }
  void see(const CallArguments& arguments) {
    see(arguments.positional);
    for (const auto& [name, value] : arguments.keywords) see(value);
    see(arguments.spread);
    see(arguments.spread_keywords);
  }

  void operator()(const Literal& /*node*/) {}
  void operator()(const Name& /*node*/) {}
  void operator()(const ListDisplay& node) { see(node.items); }
  void operator()(const DictDisplay& node) {
    for (const auto& [key, value] : node.items) {
      see(key);
      see(value);
    }
  }
  void operator()(const Unary& node) { see(node.operand); }
  void operator()(const Binary& node) {
    see(node.left);
    see(node.right);
  }
  void operator()(const Concatenation& node) { see(node.parts); }
  void operator()(const Chain& node) {
    see(node.first);
    for (const auto& [op, operand] : node.rest) see(operand);
  }
  void operator()(const Logical& node) {
    see(node.left);
    see(node.right);
  }
  void operator()(const Conditional& node) {
    see(node.condition);
    see(node.then);
    see(node.otherwise);
  }
  void operator()(const Attribute& node) { see(node.object); }
  void operator()(const Subscript& node) {
    see(node.object);
    see(node.key);
  }
  void operator()(const Slice& node) {
    see(node.object);
    see(node.from);
    see(node.to);
    see(node.step);
  }
  void operator()(const Call& node) {
    see(node.callee);
    see(node.arguments);
  }
  void operator()(const FilterUse& node) {
    see(node.input);
    see(node.arguments);
  }
  void operator()(const TestUse& node) {
    see(node.input);
    see(node.arguments);
  }

  void operator()(const Text& /*node*/) {}
  void operator()(const Print& node) { see(node.value); }
  void operator()(const If& node) {
    for (const auto& [condition, body] : node.branches) {
      see(condition);
      see(body);
    }
  }
  void operator()(const For& node) {
    see(node.items);
    see(node.filter);
    see(node.body);
    see(node.otherwise);
  }
  void operator()(const Set& node) { see(node.value); }
  void operator()(const SetBlock& node) {
    see(node.filter);
    see(node.body);
  }
  void operator()(const With& node) {
    for (const auto& [target, value] : node.values) see(value);
    see(node.body);
  }
  void operator()(const MacroDefinition& node) {
    for (const auto& [name, value] : node.parameters) see(value);
    see(node.body);
  }
  void operator()(const CallBlock& node) {
    see(node.call);
    (*this)(node.caller);
  }
  void operator()(const FilterBlock& node) {
    see(node.filter);
    see(node.body);
  }
  void operator()(const Generation& node) { see(node.body); }
  void operator()(const Break& /*node*/) {}
  void operator()(const Continue& /*node*/) {}

  [[nodiscard]] int height(int line) const {
    if (highest_ >= kMaxNesting)
      problem_at(line, "the template nests more than ", kMaxNesting, " levels deep");
    return highest_ + 1;
  }

 private:
  int highest_ = 0;
};

template <typename Node>
int height_of_node(const Node& node) {
  Highest highest;
  std::visit(highest, node.node);
  return highest.height(node.line);
}

}  // namespace

int height_of(const Expression& expression) { return height_of_node(expression); }
int height_of(const Statement& statement) { return height_of_node(statement); }

}  // namespace caravan::jinja
