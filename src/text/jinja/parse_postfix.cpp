// The expressions of parser.h that follow an operand: attributes, subscripts, calls, filters and tests.
#include "text/jinja/parser.h"

namespace caravan::jinja {

ExpressionPtr Parser::parse_postfix(ExpressionPtr operand) {
  while (true) {
    if (is_operator(".")) {
      operand = parse_dot(std::move(operand));
    } else if (is_operator("[")) {
      operand = parse_subscript(std::move(operand));
    } else if (is_operator("(")) {
      operand = parse_call(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExpressionPtr Parser::parse_filters_and_tests(ExpressionPtr operand) {
  while (true) {
    if (take_operator("|")) {
      operand = parse_filter(std::move(operand));
    } else if (is_name("is")) {
      operand = parse_test(std::move(operand));
    } else if (is_operator("(")) {
      operand = parse_call(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExpressionPtr Parser::parse_dot(ExpressionPtr object) {
  const int line = current().line;
  expect_operator(".");
  if (current().kind == TokenKind::kInteger) {
    const int64_t index = current().integer;
    advance();
    return make(line, Subscript{std::move(object), make(line, Literal{Value::integer(index)})});
  }
  return make(line, Attribute{std::move(object), expect_any_name()});
}

ExpressionPtr Parser::parse_subscript(ExpressionPtr object) {
  const int line = current().line;
  expect_operator("[");
  if (is_operator("]")) unexpected("an index");
  ExpressionPtr first = is_operator(":") ? nullptr : parse_expression();
  if (is_operator(",")) problem_at(line, "an index with a comma is not supported");
  if (first != nullptr && take_operator("]"))
    return make(line, Subscript{std::move(object), std::move(first)});
  expect_operator(":");
  Slice slice{std::move(object), std::move(first), nullptr, nullptr};
  if (!is_operator(":") && !is_operator("]")) slice.to = parse_expression();
  if (take_operator(":") && !is_operator("]")) slice.step = parse_expression();
  expect_operator("]");
  return make(line, std::move(slice));
}

ExpressionPtr Parser::parse_call(ExpressionPtr callee) {
  const int line = current().line;
  CallArguments arguments = parse_arguments();
  return make(line, Call{std::move(callee), std::move(arguments)});
}

CallArguments Parser::parse_arguments() {
  const int line = current().line;
  const auto check = [line](bool right) {
    if (!right) problem_at(line, "the arguments of a call stand in the wrong order");
  };
  expect_operator("(");
  CallArguments arguments;
  for (bool first = true; !is_operator(")"); first = false) {
    if (!first) expect_operator(",");
    if (is_operator(")")) break;
    if (take_operator("*")) {
      check(arguments.spread == nullptr && arguments.spread_keywords == nullptr);
      arguments.spread = parse_expression();
    } else if (take_operator("**")) {
      check(arguments.spread_keywords == nullptr);
      arguments.spread_keywords = parse_expression();
    } else if (current().kind == TokenKind::kName && next().kind == TokenKind::kOperator &&
               next().text == "=") {
      check(arguments.spread_keywords == nullptr);
      std::string name = expect_any_name();
      expect_operator("=");
      for (const auto& [other, value] : arguments.keywords)
        if (other == name) problem_at(line, "the argument '", name, "' is given twice");
      arguments.keywords.emplace_back(std::move(name), parse_expression());
    } else {
      check(arguments.spread == nullptr && arguments.spread_keywords == nullptr &&
            arguments.keywords.empty());
      arguments.positional.push_back(parse_expression());
    }
  }
  expect_operator(")");
  return arguments;
}

ExpressionPtr Parser::parse_filter(ExpressionPtr input) {
  const int line = current().line;
  std::string name = expect_any_name();
  while (take_operator(".")) name += "." + expect_any_name();
  const FilterFunction filter = find_filter(name);
  if (filter == nullptr) problem_at(line, "the filter '", name, "' is not supported");
  CallArguments arguments;
  if (is_operator("(")) arguments = parse_arguments();
  ExpressionPtr used = make(line, FilterUse{std::move(input), filter, std::move(arguments)});
  return used;
}

ExpressionPtr Parser::parse_test(ExpressionPtr input) {
  const int line = current().line;
  advance();
  const bool negated = take_name("not");
  std::string name = expect_any_name();
  while (take_operator(".")) name += "." + expect_any_name();
  const TestFunction test = find_test(name);
  if (test == nullptr) problem_at(line, "the test '", name, "' is not supported");
  CallArguments arguments;
  const TokenKind kind = current().kind;
  const bool starts_argument =
      (kind == TokenKind::kName && !is_name("else") && !is_name("or") && !is_name("and")) ||
      kind == TokenKind::kString || kind == TokenKind::kInteger || kind == TokenKind::kReal ||
      is_operator("[") || is_operator("{");
  if (is_operator("(")) {
    arguments = parse_arguments();
  } else if (starts_argument) {
    if (is_name("is")) problem_at(line, "tests with is cannot be chained");
    arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  ExpressionPtr used = make(line, TestUse{std::move(input), test, std::move(arguments)});
  return negated ? make(line, Unary{UnaryOperator::kNot, std::move(used)}) : std::move(used);
}

}  // namespace caravan::jinja
