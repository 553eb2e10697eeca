#include "text/jinja/parser.h"

#include <array>

namespace caravan::jinja {

namespace {

/// Each parenthesis takes two levels of recursion, each statement one or two.
constexpr int kMaxLevels = 3 * kMaxNesting;

}  // namespace

Parser::Level::Level(Parser& parser) : parser_(&parser) {
  if (parser.level_ >= kMaxLevels)
    problem_at(parser.current().line, "the template nests more than ", kMaxNesting, " levels deep");
  ++parser.level_;
}

bool Parser::take_operator(std::string_view text) {
  const bool found = is_operator(text);
  if (found) advance();
  return found;
}

bool Parser::take_name(std::string_view text) {
  const bool found = is_name(text);
  if (found) advance();
  return found;
}

void Parser::expect_operator(std::string_view text) {
  if (!take_operator(text)) unexpected("'" + std::string(text) + "'");
}

void Parser::expect_block_end() {
  if (current().kind != TokenKind::kBlockEnd) unexpected("'%}'");
  advance();
}

std::string Parser::expect_any_name() {
  if (current().kind != TokenKind::kName) unexpected("a name");
  std::string name = current().text;
  advance();
  return name;
}

void Parser::unexpected(std::string_view wanted) const {
  problem_at(current().line, describe(current()), " stands where ", wanted, " should");
}

Body Parser::parse() {
  Body body;
  while (current().kind != TokenKind::kEnd) {
    Body part = parse_body({}, current().line);
    for (auto& statement : part) body.push_back(std::move(statement));
  }
  return body;
}

Body Parser::parse_body(std::initializer_list<std::string_view> ends, int opened_at) {
  const Level level(*this);
  Body body;
  while (true) {
    const Token& token = current();
    if (token.kind == TokenKind::kText) {
      add(body, token.line, Text{token.text});
      advance();
    } else if (token.kind == TokenKind::kPrintBegin) {
      parse_print(body);
    } else if (token.kind == TokenKind::kBlockBegin) {
      const std::string_view tag = next().kind == TokenKind::kName ? next().text : std::string_view();
      advance();
      if (std::find(ends.begin(), ends.end(), tag) != ends.end()) return body;
      parse_tag(body);
    } else {
      // Only the end is left: a tag that was begun was also read to its end.
      if (ends.size() == 0) return body;
      problem_at(opened_at, "the block that begins here has no {% ", *(ends.end() - 1), " %}");
    }
  }
}

void Parser::parse_print(Body& body) {
  const int line = current().line;
  advance();
  ExpressionPtr value = parse_tuple(Ternary::kAllowed, false);
  if (current().kind != TokenKind::kPrintEnd) unexpected("'}}'");
  advance();
  add(body, line, Print{std::move(value)});
}

void Parser::parse_tag(Body& body) {
  using Parse = void (Parser::*)(Body&);
  constexpr std::array<std::pair<std::string_view, Parse>, 10> kTags{
      {{"if", &Parser::parse_if},
       {"for", &Parser::parse_for},
       {"set", &Parser::parse_set},
       {"with", &Parser::parse_with},
       {"macro", &Parser::parse_macro},
       {"call", &Parser::parse_call_block},
       {"filter", &Parser::parse_filter_block},
       {"generation", &Parser::parse_generation},
       {"break", &Parser::parse_loop_control},
       {"continue", &Parser::parse_loop_control}}};
  if (current().kind != TokenKind::kName) unexpected("the name of a tag");
  const auto* found = std::find_if(kTags.begin(), kTags.end(),
                                   [this](const auto& tag) { return tag.first == current().text; });
  if (found == kTags.end()) {
    const bool closes =
        current().text.rfind("end", 0) == 0 || current().text == "else" || current().text == "elif";
    problem_at(current().line, "the tag {% ", current().text, " %} ",
               closes ? "closes nothing that is open here" : "is not supported");
  }
  (this->*found->second)(body);
}

Body Parser::rest_of_block(std::string_view end, int opened_at) {
  expect_block_end();
  Body body = parse_body({end}, opened_at);
  advance();
  expect_block_end();
  return body;
}

void Parser::parse_if(Body& body) {
  const int line = current().line;
  If node;
  advance();
  while (true) {
    ExpressionPtr condition = parse_tuple(Ternary::kNot, false);
    take_operator(":");
    expect_block_end();
    Body then = parse_body({"elif", "else", "endif"}, line);
    node.branches.emplace_back(std::move(condition), std::move(then));
    if (!take_name("elif")) break;
  }
  if (take_name("else")) {
    take_operator(":");
    node.branches.emplace_back(nullptr, rest_of_block("endif", line));
  } else {
    advance();
    expect_block_end();
  }
  add(body, line, std::move(node));
}

void Parser::parse_for(Body& body) {
  const int line = current().line;
  For node;
  advance();
  node.target = parse_target(false);
  if (!take_name("in")) unexpected("'in'");
  node.items = parse_tuple(Ternary::kNot, false);
  if (take_name("if")) node.filter = parse_expression();
  if (is_name("recursive")) problem_at(current().line, "a recursive loop is not supported");
  take_operator(":");
  expect_block_end();
  ++loops_;
  node.body = parse_body({"else", "endfor"}, line);
  --loops_;
  if (take_name("else")) {
    take_operator(":");
    node.otherwise = rest_of_block("endfor", line);
  } else {
    advance();
    expect_block_end();
  }
  add(body, line, std::move(node));
}

Target Parser::parse_single_target(bool with_namespace) {
  const int line = current().line;
  if (take_operator("(")) {
    Target inner = parse_target(with_namespace);
    expect_operator(")");
    return inner;
  }
  Target target;
  target.name = expect_any_name();
  for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"})
    if (target.name == constant) problem_at(line, "'", constant, "' cannot be assigned to");
  if (with_namespace && take_operator(".")) target.attribute = expect_any_name();
  return target;
}

Target Parser::parse_target(bool with_namespace) {
  const Level level(*this);
  Target first = parse_single_target(with_namespace);
  if (!is_operator(",")) return first;
  Target tuple;
  tuple.is_tuple = true;
  tuple.parts.push_back(std::move(first));
  while (take_operator(",")) {
    if (is_name("in") || is_operator("=") || is_operator(")")) break;
    tuple.parts.push_back(parse_single_target(with_namespace));
  }
  return tuple;
}

void Parser::parse_set(Body& body) {
  const int line = current().line;
  advance();
  Target target = parse_target(true);
  if (take_operator("=")) {
    ExpressionPtr value = parse_tuple(Ternary::kAllowed, false);
    expect_block_end();
    return add(body, line, Set{std::move(target), std::move(value)});
  }
  ExpressionPtr filter = take_operator("|") ? parse_filter_chain() : nullptr;
  Body content = rest_of_block("endset", line);
  add(body, line, SetBlock{std::move(target), std::move(filter), std::move(content)});
}

ExpressionPtr Parser::parse_filter_chain() {
  ExpressionPtr filter = parse_filter(nullptr);
  while (take_operator("|")) filter = parse_filter(std::move(filter));
  return filter;
}

void Parser::parse_with(Body& body) {
  const int line = current().line;
  advance();
  With node;
  while (current().kind != TokenKind::kBlockEnd) {
    if (!node.values.empty()) expect_operator(",");
    Target target = parse_single_target(false);
    expect_operator("=");
    node.values.emplace_back(std::move(target), parse_expression());
  }
  node.body = rest_of_block("endwith", line);
  add(body, line, std::move(node));
}

void Parser::parse_parameters(MacroDefinition& macro) {
  expect_operator("(");
  while (!is_operator(")")) {
    if (!macro.parameters.empty()) expect_operator(",");
    const int line = current().line;
    std::string name = parse_single_target(false).name;
    for (const auto& [other, value] : macro.parameters)
      if (other == name) problem_at(line, "the macro has two parameters '", name, "'");
    ExpressionPtr otherwise = take_operator("=") ? parse_expression() : nullptr;
    if (otherwise == nullptr && !macro.parameters.empty() && macro.parameters.back().second != nullptr)
      problem_at(line, "the parameter '", name, "' without a default follows one that has a default");
    macro.parameters.emplace_back(std::move(name), std::move(otherwise));
  }
  expect_operator(")");
}

void Parser::parse_macro_body(MacroDefinition& macro, std::string_view end, int opened_at) {
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(&macro);
  macro.body = rest_of_block(end, opened_at);
  macros_.pop_back();
  loops_ = loops;
}

void Parser::parse_macro(Body& body) {
  const int line = current().line;
  MacroDefinition macro;
  advance();
  macro.name = parse_single_target(false).name;
  parse_parameters(macro);
  parse_macro_body(macro, "endmacro", line);
  add(body, line, std::move(macro));
}

void Parser::parse_call_block(Body& body) {
  const int line = current().line;
  CallBlock node;
  advance();
  node.caller.name = "caller";
  if (is_operator("(")) parse_parameters(node.caller);
  node.call = parse_expression();
  if (!std::holds_alternative<Call>(node.call->node)) problem_at(line, "{% call %} takes a call of a macro");
  parse_macro_body(node.caller, "endcall", line);
  add(body, line, std::move(node));
}

void Parser::parse_filter_block(Body& body) {
  const int line = current().line;
  advance();
  ExpressionPtr filter = parse_filter_chain();
  add(body, line, FilterBlock{std::move(filter), rest_of_block("endfilter", line)});
}

void Parser::parse_generation(Body& body) {
  const int line = current().line;
  advance();
  const int loops = std::exchange(loops_, 0);
  Generation node{rest_of_block("endgeneration", line)};
  loops_ = loops;
  add(body, line, std::move(node));
}

void Parser::parse_loop_control(Body& body) {
  const int line = current().line;
  const bool is_break = is_name("break");
  if (loops_ == 0) problem_at(line, "{% ", current().text, " %} stands outside a loop");
  advance();
  expect_block_end();
  if (is_break) return add(body, line, Break{});
  add(body, line, Continue{});
}

}  // namespace caravan::jinja
