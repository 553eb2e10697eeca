#include "cli/eval/command.h"

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "cli/eval/plot.h"
#include "cli/eval/report.h"
#include "cli/eval/run.h"
#include "cli/show/fields.h"
#include "cli/show/progress_line.h"
#include "cli/show/report_file.h"

namespace caravan::eval {

namespace {

void require_one_vocabulary(const std::vector<Checkpoint>& checkpoints, size_t baseline) {
  const Checkpoint& first = checkpoints[baseline];
  if (!first.tokenizer.has_value())
    fail(first.path(), ": has no tokenizer, expected one, to turn texts into tokens");
  for (const Checkpoint& each : checkpoints) {
    const int64_t expected = first.planned.config.vocab_size;
    const int64_t found = each.planned.config.vocab_size;
    if (found == expected) continue;
    fail(each.path(), ": has a vocabulary of ", found, " tokens, expected ", expected, " as the baseline ",
         first.path(), " has, so that they can be compared");
  }
}

/// The questions in tokens, each short enough for every checkpoint.
void add_questions(const std::vector<Checkpoint>& checkpoints, const Encoder& encoder, const EvalPlan& plan,
                   EvalWork& work) {
  work.rows = read_questions(*plan.questions);
  if (plan.limit.has_value() && static_cast<size_t>(*plan.limit) < work.rows.size())
    work.rows.resize(static_cast<size_t>(*plan.limit));
  for (const QuestionRow& row : work.rows) {
    work.questions.push_back(encoder.question(row));
    const auto length = static_cast<int64_t>(work.questions.back().tokens.size());
    for (const Checkpoint& each : checkpoints) {
      const int64_t context = each.planned.config.max_position;
      if (length < context) continue;
      fail(row.where, ": prompt and answer have ", length, " tokens, expected at most ", context - 1,
           ", so that the context of ", each.path(), " holds them and the stop after them");
    }
  }
}

/// Whether texts are scored with the end token after them.
bool wants_end(const EvalPlan& plan, const TextFile& text, const Encoder& encoder, const std::string& path) {
  const bool wanted = plan.end_token.value_or(text.has_rows());
  if (wanted && plan.end_token.has_value() && !encoder.end_token().has_value())
    fail("--end-token on: the tokenizer of ", path, " names no eos_token, expected off");
  return wanted && encoder.end_token().has_value();
}

}  // namespace

int eval(const std::vector<std::string>& words) {
  const EvalPlan plan = parse_eval_plan(cli::Arguments(eval_command(), words));
  cli::ReportFile json(plan.report.json);
  cli::ReportFile svg(plan.report.plot);
  std::vector<Checkpoint> checkpoints;
  for (const PlannedCheckpoint& planned : plan.checkpoints) checkpoints.push_back(open_checkpoint(planned));
  require_one_vocabulary(checkpoints, plan.baseline);
  const Checkpoint& first = checkpoints[plan.baseline];
  const Encoder encoder(first.path(), first.planned.config, *first.tokenizer, first.stop_tokens);
  std::optional<TextFile> text;
  EvalWork work;
  work.max_length = plan.max_length;
  work.stride = plan.stride;
  if (plan.text.has_value()) {
    text.emplace(*plan.text);
    work.text = &*text;
    work.with_end = wants_end(plan, *text, encoder, first.path());
    work.window_limit = plan.limit.value_or(INT64_MAX);
  }
  if (plan.questions.has_value()) add_questions(checkpoints, encoder, plan, work);

  cli::ProgressLine line(cli::error_is_terminal());
  const TextExtent extent = evaluate(checkpoints, plan.baseline, work, [&line](const std::string& what) {
    line.show("caravan eval: " + what);
  });
  line.clear();
  const EvalReport report = {plan, checkpoints, work, extent};
  if (!json.is_output()) std::cout << table_text(report) << std::flush;
  json.write(cli::json_text(report_json(report)));
  if (plan.report.plot.has_value()) svg.write(plot_svg(report));
  cli::require_output_written();
  return 0;
}

}  // namespace caravan::eval
