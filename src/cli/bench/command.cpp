#include "cli/bench/command.h"

#include <algorithm>
#include <iostream>

#include "base/machine.h"
#include "cli/bench/figures.h"
#include "cli/bench/limits.h"
#include "cli/bench/plot.h"
#include "cli/bench/report.h"
#include "cli/bench/run.h"
#include "cli/bench/search.h"
#include "cli/show/fields.h"
#include "cli/show/progress_line.h"
#include "cli/show/report_file.h"
#include "graph/passes/passes.h"
#include "models/record.h"

namespace caravan::cli {

namespace {

class Bench {
 public:
  explicit Bench(BenchPlan plan)
      : plan_(std::move(plan)),
        json_(plan_.report.json),
        csv_(plan_.report.csv),
        plot_(plan_.report.plot),
        meter_(plan_.cases.front().flags.engine.threads),
        progress_(error_is_terminal()) {}

  void run() {
    say(table_head(plan_));
    for (size_t i = 0; i < plan_.cases.size(); ++i) {
      place_ = std::to_string(i + 1) + " of " + std::to_string(plan_.cases.size());
      if (plan_.kind == BenchKind::kSearch) {
        search(plan_.cases[i]);
      } else {
        measure(plan_.cases[i]);
      }
    }
    say(table_foot(rows_));
    json_.write(json_text(report_json(plan_, rows_, searches_)));
    csv_.write(report_csv(rows_));
    const EngineFlags& flags = plan_.cases.front().flags;
    if (plan_.report.plot.has_value()) {
      plot_.write(plot_svg(rows_, flags.model_path.string() + " on " + cpu_name() + ", " +
                                      std::to_string(flags.engine.threads) + " threads"));
    }
    require_output_written();
  }

 private:
  void say(const std::string& text) {
    progress_.clear();
    if (!json_.is_output() && !csv_.is_output()) std::cout << text << std::flush;
  }

  const BenchFigures& measure(const BenchCase& at) {
    const std::string what = "caravan bench: " + place_ + ": " + dtypes_of(at) + " " + at.mode + " " +
                             (at.test.empty() ? "batch " + std::to_string(at.batch) : at.test);
    const auto progress = [&](const std::string& part) { progress_.show(what + ": " + part); };
    Graph graph = record_model(plan_.config, precision_of(at));
    // Work that need not be done does not count towards the limit.
    take_rows_early(graph);
    const uint64_t bytes = decode_bytes(at, graph);
    // Before and after, because others on the machine come and go.
    progress("the machine's limits");
    const bool int8 = multiplies_int8(at);
    meter_.measure(at.dtype, int8, bytes);
    const BenchRuns runs = run_case(at, plan_.repeat, progress);
    rows_.push_back(figures_of(at, runs, graph, meter_.measure(at.dtype, int8, bytes)));
    say(table_row(rows_.back()) + "\n");
    return rows_.back();
  }

  void search(const BenchCase& at) {
    // One sequence was found to fit when the plan was made; what is free may have changed since.
    const int64_t high =
        std::max<int64_t>(1, largest_runnable_batch(machine_memory().available_bytes, at, plan_.config));
    BenchSearch found = {at, plan_.max_decode_ms, 0, 0.0, std::nullopt};
    found.batch = largest_that_holds(high, [&](int64_t batch) {
      const BenchFigures& figures = measure(with_batch(at, batch, plan_.config));
      const double decode_ms = figures.decode.value().median_ms;
      const bool holds = decode_ms < plan_.max_decode_ms;
      if (holds || batch == 1) found.decode_ms = decode_ms;
      return holds;
    });
    if (found.batch == high) found.bounded = high;
    say(search_line(found) + "\n");
    searches_.push_back(std::move(found));
  }

  BenchPlan plan_;
  ReportFile json_;
  ReportFile csv_;
  ReportFile plot_;
  LimitMeter meter_;
  ProgressLine progress_;
  std::string place_;
  std::vector<BenchFigures> rows_;
  std::vector<BenchSearch> searches_;
};

}  // namespace

int bench(const std::vector<std::string>& words) {
  const Arguments arguments(bench_command(), words);
  Bench(parse_bench_plan(arguments, machine_memory().available_bytes)).run();
  return 0;
}

}  // namespace caravan::cli
