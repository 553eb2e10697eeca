// Runs a parsed template: one Evaluator renders one template once.
//
// Names are looked up in scopes, innermost first, then among the variables given, then among the functions
// that every template has. Thread safety: an Evaluator belongs to one thread; the tree it runs is only read.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/jinja/object.h"
#include "text/jinja/syntax.h"

namespace caravan::jinja {

/// The names set in one block, and where to look for others.
struct Scope {
  std::unordered_map<std::string, Value> names;
  std::shared_ptr<Scope> parent;
  /// Whether a macro holds on to it, so that it must be emptied at the end: the macro is in it or below it.
  bool is_captured = false;
};
using ScopePtr = std::shared_ptr<Scope>;

class Evaluator {
 public:
  /// `globals` holds the variables and functions that are there from the start.
  Evaluator(std::unordered_map<std::string, Value> globals, Keeper& keeper, Budget& budget);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  /// The rendered text. Throws Problem.
  std::string render(const Body& body);
  /// The line that was being evaluated last, for the message of a Problem.
  [[nodiscard]] int line() const { return line_; }

  /// The text of a macro's body, with `arguments` bound to its parameters.
  std::string run_macro(const MacroDefinition& macro, const ScopePtr& around, const Arguments& arguments);

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  // evaluate_statements.cpp
  Flow run(const Body& body, const ScopePtr& scope, std::string& out);
  Flow run_statement(const Statement& statement, const ScopePtr& scope, std::string& out);
  Flow run_if(const If& node, const ScopePtr& scope, std::string& out);
  Flow run_for(const For& node, const ScopePtr& scope, std::string& out);
  Flow run_set_block(const SetBlock& node, const ScopePtr& scope);
  Flow run_with(const With& node, const ScopePtr& scope, std::string& out);
  Flow run_filter_block(const FilterBlock& node, const ScopePtr& scope, std::string& out);
  void run_call_block(const CallBlock& node, const ScopePtr& scope, std::string& out);
  std::vector<Value> loop_items(const For& node, const ScopePtr& scope);
  void assign(const Target& target, const Value& value, const ScopePtr& scope);
  void print(const std::string& text, std::string& out);
  Value make_macro(const MacroDefinition& macro, const ScopePtr& scope);
  void bind_arguments(const MacroDefinition& macro, const Arguments& arguments, const ScopePtr& scope);
  void bind_extra_arguments(const MacroDefinition& macro, const Arguments& arguments,
                            std::vector<std::pair<std::string, Value>> keywords, Scope& scope);

  // evaluate_expressions.cpp
  Value evaluate(const Expression& expression, const ScopePtr& scope);
  Value lookup(const std::string& name, const Scope& scope) const;
  Value evaluate_node(const Literal& node, const ScopePtr& scope);
  Value evaluate_node(const Name& node, const ScopePtr& scope);
  Value evaluate_node(const ListDisplay& node, const ScopePtr& scope);
  Value evaluate_node(const DictDisplay& node, const ScopePtr& scope);
  Value evaluate_node(const Unary& node, const ScopePtr& scope);
  Value evaluate_node(const Binary& node, const ScopePtr& scope);
  Value evaluate_node(const Concatenation& node, const ScopePtr& scope);
  Value evaluate_node(const Chain& node, const ScopePtr& scope);
  Value evaluate_node(const Logical& node, const ScopePtr& scope);
  Value evaluate_node(const Conditional& node, const ScopePtr& scope);
  Value evaluate_node(const Attribute& node, const ScopePtr& scope);
  Value evaluate_node(const Subscript& node, const ScopePtr& scope);
  Value evaluate_node(const Slice& node, const ScopePtr& scope);
  Value evaluate_node(const Call& node, const ScopePtr& scope);
  Value evaluate_node(const FilterUse& node, const ScopePtr& scope);
  Value evaluate_node(const TestUse& node, const ScopePtr& scope);
  Arguments evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope);
  Value call(const Call& node, const ScopePtr& scope, const Value* caller);
  /// Runs the filters of a block on its text.
  Value filtered(const Expression& filter, std::string text, const ScopePtr& scope);

  std::unordered_map<std::string, Value> globals_;
  Budget* budget_;
  Keeper* keeper_;
  int line_ = 1;
  /// The captured scopes.
  std::vector<ScopePtr> captured_;
  /// What the innermost filter of a block takes in.
  Value block_text_;
};

}  // namespace caravan::jinja
