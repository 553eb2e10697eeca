#include "cli/bench/command.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/machine.h"
#include "cli/bench/figures.h"
#include "cli/bench/limits.h"
#include "cli/bench/plot.h"
#include "cli/bench/report.h"
#include "cli/bench/run.h"
#include "cli/bench/search.h"
#include "graph/passes/passes.h"
#include "models/llama.h"

namespace caravan::cli {

namespace {

/// One line on a terminal, which the next one replaces.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text) {
    // More often than this nobody can read, and writing takes time from what is measured.
    constexpr double kInterval = 0.1;
    if (!shown_ || seconds_now() - last_ < kInterval) return;
    last_ = seconds_now();
    std::cerr << "\r\033[K" << text << std::flush;
  }
  void clear() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
    last_ = 0.0;
  }

 private:
  bool shown_;
  double last_ = 0.0;
};

/// A report's file, or standard output. A file is opened before anything is measured.
class ReportFile {
 public:
  explicit ReportFile(const std::optional<std::string>& path) : to_output_(path == "-") {
    if (path.has_value() && !to_output_) file_ = std::make_unique<OutputFile>(*path);
  }
  [[nodiscard]] bool is_output() const { return to_output_; }
  void write(const std::string& text) {
    if (to_output_) std::cout << text;
    if (file_ == nullptr) return;
    file_->write(text);
    file_->commit();
  }

 private:
  bool to_output_;
  std::unique_ptr<OutputFile> file_;
};

class Bench {
 public:
  explicit Bench(BenchPlan plan)
      : plan_(std::move(plan)),
        json_(plan_.json),
        csv_(plan_.csv),
        plot_(plan_.plot),
        meter_(plan_.cases.front().flags.engine.threads),
        progress_(::isatty(STDERR_FILENO) == 1) {}

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
    // A path that is not UTF-8 must not spoil the report.
    json_.write(report_json(plan_, rows_, searches_).dump(2, ' ', false, Json::error_handler_t::replace) +
                "\n");
    csv_.write(report_csv(rows_));
    const EngineFlags& flags = plan_.cases.front().flags;
    if (plan_.plot.has_value()) {
      plot_.write(plot_svg(rows_, flags.model_path.string() + " on " + cpu_name() + ", " +
                                      std::to_string(flags.engine.threads) + " threads"));
    }
    std::cout.flush();
    if (!std::cout) fail("standard output: writing failed, expected it to stay open until the end");
  }

 private:
  void say(const std::string& text) {
    progress_.clear();
    if (!json_.is_output() && !csv_.is_output()) std::cout << text << std::flush;
  }

  const BenchFigures& measure(const BenchCase& at) {
    const std::string what = "caravan bench: " + place_ + ": " + std::string(name_of(at.dtype)) + " " +
                             at.mode + " " +
                             (at.test.empty() ? "batch " + std::to_string(at.batch) : at.test);
    const auto progress = [&](const std::string& part) { progress_.show(what + ": " + part); };
    Graph graph = record_llama(plan_.config, {.weights = at.dtype, .kv_cache = at.dtype});
    // Work that need not be done does not count towards the limit.
    take_rows_early(graph);
    const uint64_t bytes = decode_bytes(at, graph);
    // Before and after, because others on the machine come and go.
    progress("the machine's limits");
    meter_.measure(at.dtype, bytes);
    const BenchRuns runs = run_case(at, plan_.repeat, progress);
    rows_.push_back(figures_of(at, runs, graph, meter_.measure(at.dtype, bytes)));
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
