// The expressions of parser.h; each function parses one level of precedence and calls the next higher one.
#include <algorithm>
#include <array>

#include "text/jinja/parser.h"

namespace caravan::jinja {

ExpressionPtr Parser::parse_tuple(Ternary ternary, bool in_parentheses) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (true) {
    const bool at_end =
        current().kind == TokenKind::kPrintEnd || current().kind == TokenKind::kBlockEnd || is_operator(")");
    if (at_end) break;
    items.push_back(parse_expression(ternary));
    if (!take_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && items.size() == 1) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) unexpected("an expression");
  return make(line, ListDisplay{SequenceKind::kTuple, std::move(items)});
}

ExpressionPtr Parser::parse_expression(Ternary ternary) {
  const Level level(*this);
  ExpressionPtr value = parse_or();
  while (ternary == Ternary::kAllowed && is_name("if")) {
    const int line = current().line;
    advance();
    ExpressionPtr condition = parse_or();
    ExpressionPtr otherwise = take_name("else") ? parse_expression() : nullptr;
    value = make(line, Conditional{std::move(condition), std::move(value), std::move(otherwise)});
  }
  return value;
}

ExpressionPtr Parser::parse_or() {
  ExpressionPtr left = parse_and();
  while (is_name("or")) {
    const int line = current().line;
    advance();
    ExpressionPtr right = parse_and();
    left = make(line, Logical{false, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr Parser::parse_and() {
  ExpressionPtr left = parse_not();
  while (is_name("and")) {
    const int line = current().line;
    advance();
    ExpressionPtr right = parse_not();
    left = make(line, Logical{true, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr Parser::parse_not() {
  if (!is_name("not")) return parse_comparison();
  const Level level(*this);
  const int line = current().line;
  advance();
  return make(line, Unary{UnaryOperator::kNot, parse_not()});
}

bool Parser::try_comparison(Comparison& op) {
  constexpr std::array<std::pair<std::string_view, Comparison>, 6> kSymbols{
      {{"==", Comparison::kEqual},
       {"!=", Comparison::kNotEqual},
       {"<", Comparison::kLess},
       {"<=", Comparison::kLessEqual},
       {">", Comparison::kGreater},
       {">=", Comparison::kGreaterEqual}}};
  for (const auto& [symbol, meaning] : kSymbols) {
    if (take_operator(symbol)) {
      op = meaning;
      return true;
    }
  }
  if (take_name("in")) {
    op = Comparison::kIn;
    return true;
  }
  if (is_name("not") && next().kind == TokenKind::kName && next().text == "in") {
    advance();
    advance();
    op = Comparison::kNotIn;
    return true;
  }
  return false;
}

ExpressionPtr Parser::parse_comparison() {
  const int line = current().line;
  ExpressionPtr first = parse_sum();
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
  Comparison op{};
  while (try_comparison(op)) rest.emplace_back(op, parse_sum());
  if (rest.empty()) return first;
  return make(line, Chain{std::move(first), std::move(rest)});
}

ExpressionPtr Parser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (is_operator("+") || is_operator("-")) {
    const int line = current().line;
    const BinaryOperator op = is_operator("+") ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
    advance();
    ExpressionPtr right = parse_concatenation();
    left = make(line, Binary{op, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr Parser::parse_concatenation() {
  const int line = current().line;
  std::vector<ExpressionPtr> parts;
  parts.push_back(parse_product());
  while (take_operator("~")) parts.push_back(parse_product());
  if (parts.size() == 1) return std::move(parts[0]);
  return make(line, Concatenation{std::move(parts)});
}

ExpressionPtr Parser::parse_product() {
  constexpr std::array<std::pair<std::string_view, BinaryOperator>, 4> kSymbols{
      {{"*", BinaryOperator::kMultiply},
       {"/", BinaryOperator::kDivide},
       {"//", BinaryOperator::kFloorDivide},
       {"%", BinaryOperator::kModulo}}};
  ExpressionPtr left = parse_power();
  while (true) {
    const auto* found = std::find_if(kSymbols.begin(), kSymbols.end(),
                                     [this](const auto& symbol) { return is_operator(symbol.first); });
    if (found == kSymbols.end()) return left;
    const int line = current().line;
    advance();
    ExpressionPtr right = parse_power();
    left = make(line, Binary{found->second, std::move(left), std::move(right)});
  }
}

ExpressionPtr Parser::parse_power() {
  ExpressionPtr left = parse_unary(true);
  while (is_operator("**")) {
    const int line = current().line;
    advance();
    ExpressionPtr right = parse_unary(true);
    left = make(line, Binary{BinaryOperator::kPower, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr Parser::parse_unary(bool with_filters) {
  const Level level(*this);
  const int line = current().line;
  ExpressionPtr value;
  if (is_operator("-") || is_operator("+")) {
    const UnaryOperator op = is_operator("-") ? UnaryOperator::kNegate : UnaryOperator::kAffirm;
    advance();
    value = make(line, Unary{op, parse_unary(false)});
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPtr Parser::parse_primary() {
  const Token& token = current();
  const int line = token.line;
  if (token.kind == TokenKind::kName) return parse_name();
  if (token.kind == TokenKind::kString) {
    std::string text;
    for (; current().kind == TokenKind::kString; advance()) text += current().text;
    return make(line, Literal{Value::text(std::move(text))});
  }
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kReal) {
    const bool is_integer = token.kind == TokenKind::kInteger;
    const Value value = is_integer ? Value::integer(token.integer) : Value::real(token.real);
    advance();
    return make(line, Literal{value});
  }
  if (is_operator("[")) return parse_list();
  if (is_operator("{")) return parse_dict();
  if (!take_operator("(")) unexpected("an expression");
  ExpressionPtr inner = parse_tuple(Ternary::kAllowed, true);
  expect_operator(")");
  return inner;
}

ExpressionPtr Parser::parse_name() {
  const int line = current().line;
  const std::string name = current().text;
  advance();
  if (name == "true" || name == "True") return make(line, Literal{Value::boolean(true)});
  if (name == "false" || name == "False") return make(line, Literal{Value::boolean(false)});
  if (name == "none" || name == "None") return make(line, Literal{Value()});
  for (MacroDefinition* macro : macros_) {
    macro->uses_caller = macro->uses_caller || name == "caller";
    macro->uses_varargs = macro->uses_varargs || name == "varargs";
    macro->uses_kwargs = macro->uses_kwargs || name == "kwargs";
  }
  return make(line, Name{name});
}

ExpressionPtr Parser::parse_list() {
  const int line = current().line;
  expect_operator("[");
  std::vector<ExpressionPtr> items;
  while (!is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("]")) break;
    items.push_back(parse_expression());
  }
  expect_operator("]");
  return make(line, ListDisplay{SequenceKind::kList, std::move(items)});
}

ExpressionPtr Parser::parse_dict() {
  const int line = current().line;
  expect_operator("{");
  DictDisplay dict;
  while (!is_operator("}")) {
    if (!dict.items.empty()) expect_operator(",");
    if (is_operator("}")) break;
    ExpressionPtr key = parse_expression();
    expect_operator(":");
    ExpressionPtr value = parse_expression();
    dict.items.emplace_back(std::move(key), std::move(value));
  }
  expect_operator("}");
  return make(line, std::move(dict));
}

}  // namespace caravan::jinja
