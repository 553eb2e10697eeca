// Tokens to syntax tree, by recursive descent with jinja2's grammar and precedences.
//
// Names of filters and tests are resolved here, so that one which is not supported fails when the template is
// read. Thread safety: one Parser on one thread.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/height.h"
#include "text/jinja/lexer.h"
#include "text/jinja/syntax.h"

namespace caravan::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  /// The whole template. Problem with its line on anything that is wrong or not supported.
  Body parse();

 private:
  // parser.cpp
  Body parse_body(std::initializer_list<std::string_view> ends, int opened_at);
  void parse_tag(Body& body);
  void parse_print(Body& body);
  void parse_if(Body& body);
  void parse_for(Body& body);
  void parse_set(Body& body);
  void parse_with(Body& body);
  void parse_macro(Body& body);
  void parse_call_block(Body& body);
  void parse_filter_block(Body& body);
  void parse_generation(Body& body);
  void parse_loop_control(Body& body);
  Body rest_of_block(std::string_view end, int opened_at);
  void parse_parameters(MacroDefinition& macro);
  /// Parses a macro's body; what it mentions is noted in `macro`.
  void parse_macro_body(MacroDefinition& macro, std::string_view end, int opened_at);
  Target parse_target(bool with_namespace);
  Target parse_single_target(bool with_namespace);
  template <typename Node>
  void add(Body& body, int line, Node node);

  // parse_expressions.cpp
  enum class Ternary { kAllowed, kNot };
  ExpressionPtr parse_tuple(Ternary ternary, bool in_parentheses);
  ExpressionPtr parse_expression(Ternary ternary = Ternary::kAllowed);
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr operand);
  ExpressionPtr parse_filters_and_tests(ExpressionPtr operand);
  ExpressionPtr parse_dot(ExpressionPtr object);
  ExpressionPtr parse_subscript(ExpressionPtr object);
  ExpressionPtr parse_call(ExpressionPtr callee);
  /// The filter whose name stands here; `input` is null in blocks.
  ExpressionPtr parse_filter(ExpressionPtr input);
  /// The same, and the filters after it.
  ExpressionPtr parse_filter_chain();
  ExpressionPtr parse_test(ExpressionPtr input);
  CallArguments parse_arguments();
  bool try_comparison(Comparison& op);
  template <typename Node>
  ExpressionPtr make(int line, Node node);

  // The token stream.
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  [[nodiscard]] bool is_operator(std::string_view text) const {
    return current().kind == TokenKind::kOperator && current().text == text;
  }
  [[nodiscard]] bool is_name(std::string_view text) const {
    return current().kind == TokenKind::kName && current().text == text;
  }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool take_operator(std::string_view text);
  bool take_name(std::string_view text);
  void expect_operator(std::string_view text);
  void expect_block_end();
  std::string expect_any_name();
  [[noreturn]] void unexpected(std::string_view wanted) const;

  /// One level of recursion of the parser for as long as it lives.
  class Level {
   public:
    explicit Level(Parser& parser);
    ~Level() { --parser_->level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser* parser_;
  };

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int level_ = 0;
  /// Loops that a break here would leave; 0 in a macro's body, whatever is around it.
  int loops_ = 0;
  /// The macros around here, innermost last.
  std::vector<MacroDefinition*> macros_;
};

template <typename Node>
ExpressionPtr Parser::make(int line, Node node) {
  auto expression = std::make_unique<Expression>();
  expression->line = line;
  expression->node = std::move(node);
  expression->height = height_of(*expression);
  return expression;
}

template <typename Node>
void Parser::add(Body& body, int line, Node node) {
  auto statement = std::make_unique<Statement>();
  statement->line = line;
  statement->node = std::move(node);
  statement->height = height_of(*statement);
  body.push_back(std::move(statement));
}

}  // namespace caravan::jinja
