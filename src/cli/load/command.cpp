#include "cli/load/command.h"

#include <iostream>

#include "base/error.h"
#include "cli/load/figures.h"
#include "cli/load/plot.h"
#include "cli/load/preflight.h"
#include "cli/load/report.h"
#include "cli/load/runner.h"
#include "cli/show/fields.h"
#include "cli/show/progress_line.h"
#include "cli/show/report_file.h"

namespace caravan::load {

int bench_serve(const std::vector<std::string>& words) {
  const cli::Arguments arguments(load_command(), words);
  LoadPlan plan = parse_load_plan(arguments);
  cli::ReportFile json(plan.report.json);
  cli::ReportFile csv(plan.report.csv);
  cli::ReportFile plot(plan.report.plot);
  complete_plan(plan);
  const bool table = !json.is_output() && !csv.is_output();
  if (table) std::cout << table_head(plan) << std::flush;
  cli::ProgressLine line(cli::error_is_terminal());
  LoadHooks hooks;
  hooks.progress = [&line](const LoadProgress& progress) { line.show(progress_text(progress)); };
  const LoadRun run = run_load(plan, hooks);
  line.clear();
  const LoadFigures figures = figures_of(run.records, plan.slo);
  if (table) std::cout << table_text(plan, figures, run.stopped);
  json.write(cli::json_text(report_json(plan, figures, run)));
  csv.write(report_csv(run));
  if (plan.report.plot.has_value())
    plot.write(plot_svg(run.records, plan.model.value_or("") + " at " + plan.url_text));
  cli::require_output_written();
  if (figures.done == 0) {
    fail(
        plan.url_text, ": none of ", figures.requests, " requests succeeded",
        figures.failures.empty() ? "" : ", the first failure: " + in_quotes(figures.failures.front().message),
        ", expected at least one");
  }
  return 0;
}

}  // namespace caravan::load
