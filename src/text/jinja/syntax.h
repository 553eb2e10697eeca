// The tree of a parsed template.
//
// Invariant: `height` is at most kMaxNesting, so recursion over a tree is bounded.
// Thread safety: immutable once parsed.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/tests.h"
#include "text/jinja/value.h"

namespace caravan::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<std::unique_ptr<Statement>>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keywords;
  /// f(*args) and f(**kwargs); null where absent.
  ExpressionPtr spread;
  ExpressionPtr spread_keywords;
};

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct ListDisplay {
  SequenceKind kind;
  std::vector<ExpressionPtr> items;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};
enum class UnaryOperator { kNot, kNegate, kAffirm };
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
struct Binary {
  BinaryOperator op;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};
struct Chain {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
struct Logical {
  bool is_and;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct Conditional {
  ExpressionPtr condition;
  ExpressionPtr then;
  /// Null where there is no else: the value is then undefined.
  ExpressionPtr otherwise;
};
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
struct Subscript {
  ExpressionPtr object;
  ExpressionPtr key;
};
/// object[from:to:step]; null where left out.
struct Slice {
  ExpressionPtr object;
  ExpressionPtr from;
  ExpressionPtr to;
  ExpressionPtr step;
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct FilterUse {
  /// Null in a filter block, and in the filters of a block set: the body's text is the input.
  ExpressionPtr input;
  FilterFunction filter;
  CallArguments arguments;
};
struct TestUse {
  ExpressionPtr input;
  TestFunction test;
  CallArguments arguments;
};

struct Expression {
  int line = 0;
  int height = 1;
  std::variant<Literal, Name, ListDisplay, DictDisplay, Unary, Binary, Concatenation, Chain, Logical,
               Conditional, Attribute, Subscript, Slice, Call, FilterUse, TestUse>
      node;
};

/// One name, `namespace.attribute` (name and attribute), or a tuple of targets (parts).
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> parts;
  bool is_tuple = false;
};

struct Text {
  std::string text;
};
struct Print {
  ExpressionPtr value;
};
struct If {
  /// if and elif, in order; the condition of else is null.
  std::vector<std::pair<ExpressionPtr, Body>> branches;
};
struct For {
  Target target;
  ExpressionPtr items;
  /// Null where there is none.
  ExpressionPtr filter;
  Body body;
  Body otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  /// Filters for the body's text; null where there are none.
  ExpressionPtr filter;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> values;
  Body body;
};
struct MacroDefinition {
  std::string name;
  /// Defaults are null where absent.
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;
  Body body;
  /// Which of the names that a macro gets without declaring them its body mentions.
  bool uses_caller = false;
  bool uses_varargs = false;
  bool uses_kwargs = false;
};
struct CallBlock {
  /// A Call; the body is the macro `caller` that it is given.
  ExpressionPtr call;
  MacroDefinition caller;
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
/// {% generation %}: marks the assistant's words for training, and prints its body.
struct Generation {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line = 0;
  int height = 1;
  std::variant<Text, Print, If, For, Set, SetBlock, With, MacroDefinition, CallBlock, FilterBlock, Generation,
               Break, Continue>
      node;
};

}  // namespace caravan::jinja
