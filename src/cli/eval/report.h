// What `caravan eval` says: a table for people, and JSON with everything.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/eval/run.h"

namespace caravan::eval {

/// What a report is made of.
struct EvalReport {
  const EvalPlan& plan;
  const std::vector<Checkpoint>& checkpoints;
  const EvalWork& work;
  TextExtent extent;

  [[nodiscard]] const Checkpoint& baseline() const { return checkpoints[plan.baseline]; }
  [[nodiscard]] bool has_text() const { return work.text != nullptr; }
  [[nodiscard]] bool has_questions() const { return !work.questions.empty(); }
};

/// What its numbers are: "bf16", "bf16 w8a8 kv int8".
std::string numbers_of(const Checkpoint& checkpoint);
/// "models/demo bf16".
std::string name_of(const Checkpoint& checkpoint);

/// "0.00123", "1.23e-07": three digits wherever they begin, because divergences differ by powers of ten.
std::string three_digits(double value);

/// What was evaluated, a line for each checkpoint, and what the columns mean. What was not measured shows as
/// "-".
std::string table_text(const EvalReport& report);

/// Everything, nothing rounded; "perplexity" and "exact_match" have the form of models/demo/eval.json. A
/// figure that is no number, as a broken checkpoint gives, is null.
Json report_json(const EvalReport& report);

}  // namespace caravan::eval
