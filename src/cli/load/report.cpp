#include "cli/load/report.h"

#include <cmath>
#include <sstream>

#include "base/error.h"
#include "cli/show/fields.h"
#include "cli/show/table.h"

namespace caravan::load {

namespace {

using cli::Fields;
using cli::number_text;
using cli::or_null;
using cli::TableLine;

constexpr int kNameWidth = 24;
constexpr int kColumnWidth = 10;

const char* path_of(Endpoint endpoint) {
  return endpoint == Endpoint::kChat ? "/v1/chat/completions" : "/v1/completions";
}

std::string counted(int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string arrivals_of(const LoadPlan& plan) {
  std::ostringstream out;
  if (!plan.trace.empty()) {
    out << "arriving as in the trace";
  } else if (std::isfinite(plan.rate)) {
    out << "arriving at random, " << plan.rate << " per second";
    if (plan.burstiness != 1.0) out << " (burstiness " << plan.burstiness << ")";
  } else if (!plan.concurrency.has_value()) {
    out << "all at once";
  }
  if (plan.concurrency.has_value()) {
    const bool alone = plan.trace.empty() && !std::isfinite(plan.rate);
    out << (alone ? "" : ", ") << (alone ? "always " : "at most ") << *plan.concurrency << " in flight";
  }
  return out.str();
}

std::string lengths_of(const LoadPlan& plan) {
  if (!plan.trace.empty()) return "prompts and outputs as in " + plan.trace_path;
  std::string text = plan.text_prompts ? "words in: " : "tokens in: ";
  if (plan.shared_prefix > 0) {
    text += std::to_string(plan.shared_prefix) + " shared";
    if (plan.prefix_groups > 1) text += " by each of " + std::to_string(plan.prefix_groups) + " groups";
    text += " + ";
  }
  return text + plan.input.text() + ", tokens out: " + plan.output.text();
}

std::string goals_of(const Slo& slo) {
  std::ostringstream out;
  const auto add = [&out](const char* name, std::optional<double> goal) {
    if (goal.has_value()) out << (out.str().empty() ? "" : ", ") << name << " " << *goal << " ms";
  };
  add("ttft", slo.ttft_ms);
  add("tpot", slo.tpot_ms);
  add("e2e", slo.e2e_ms);
  return out.str();
}

bool has_goals(const Slo& slo) {
  return slo.ttft_ms.has_value() || slo.tpot_ms.has_value() || slo.e2e_ms.has_value();
}

std::string kind_of(const Failure& failure) {
  std::string kind(name_of(failure.outcome));
  if (failure.outcome == Outcome::kStatus) kind += " " + std::to_string(failure.status);
  return kind;
}

void add_line(std::ostringstream& out, const std::string& name, const std::string& text) {
  out << TableLine().left(name, kNameWidth).text() << text << "\n";
}

void add_spread(std::ostringstream& out, const std::string& name, const std::optional<Spread>& spread) {
  TableLine line;
  line.left(name, kNameWidth);
  for (double Spread::*field : {&Spread::mean, &Spread::p50, &Spread::p90, &Spread::p99, &Spread::highest}) {
    line.right(number_text(spread.has_value() ? std::optional((*spread).*field) : std::nullopt),
               kColumnWidth);
  }
  out << line.text() << "\n";
}

void add_notes(std::ostringstream& out, const LoadFigures& figures) {
  if (figures.other_lengths > 0) {
    out << counted(figures.other_lengths, "request") << " got another number of tokens than was asked for.\n";
  }
  if (figures.done > 0 && figures.chunks != figures.output_tokens) {
    out << "inter-token latency is that between chunks: there were " << figures.chunks << " for "
        << figures.output_tokens << " tokens.\n";
  }
  if (figures.done > 0 && !figures.input_tokens.has_value())
    out << "the server does not say how many tokens the prompts have.\n";
}

Json spread_json(const std::optional<Spread>& spread) {
  if (!spread.has_value()) return nullptr;
  return {{"count", spread->count}, {"mean", spread->mean}, {"p50", spread->p50},
          {"p90", spread->p90},     {"p99", spread->p99},   {"max", spread->highest}};
}

void add_plan(const LoadPlan& plan, Json& report) {
  report["url"] = plan.url_text;
  report["endpoint"] = path_of(plan.endpoint);
  report["model"] = or_null(plan.model);
  report["requests_asked"] = or_null(plan.requests);
  report["duration_s"] = std::isfinite(plan.duration_s) ? Json(plan.duration_s) : Json(nullptr);
  const bool traced = !plan.trace.empty();
  report["trace"] = traced ? Json(plan.trace_path) : Json(nullptr);
  report["input_length"] = traced ? Json(nullptr) : Json(plan.input.text());
  report["output_length"] = traced ? Json(nullptr) : Json(plan.output.text());
  report["shared_prefix"] = plan.shared_prefix;
  report["prefix_groups"] = plan.prefix_groups;
  report["text_prompts"] = plan.text_prompts;
  report["vocab_size"] = or_null(plan.vocab_size);
  report["requests_per_second_asked"] = std::isfinite(plan.rate) ? Json(plan.rate) : Json(nullptr);
  report["burstiness"] = plan.burstiness;
  report["concurrency"] = or_null(plan.concurrency);
  report["warmup"] = plan.warmup;
  report["seed"] = plan.seed;
  report["temperature"] = plan.temperature;
  report["ignore_eos"] = plan.ignore_eos;
  report["slo"] = {{"ttft_ms", or_null(plan.slo.ttft_ms)},
                   {"tpot_ms", or_null(plan.slo.tpot_ms)},
                   {"e2e_ms", or_null(plan.slo.e2e_ms)}};
}

}  // namespace

std::string table_head(const LoadPlan& plan) {
  std::string requests = plan.requests.has_value() ? counted(*plan.requests, "request")
                         : plan.trace.empty()      ? "requests"
                                              : counted(static_cast<int64_t>(plan.trace.size()), "request");
  if (!plan.trace.empty() && plan.requests.has_value()) requests = "at most " + requests;
  std::ostringstream out;
  out << plan.url_text << ", " << path_of(plan.endpoint) << ", model " << plan.model.value_or("") << "\n"
      << requests;
  if (std::isfinite(plan.duration_s)) out << " in " << plan.duration_s << " s";
  out << ", " << arrivals_of(plan) << "; " << lengths_of(plan) << "\n\n";
  return out.str();
}

std::string table_text(const LoadPlan& plan, const LoadFigures& figures, bool stopped) {
  std::ostringstream out;
  add_line(out, "requests",
           std::to_string(figures.done) + " of " + std::to_string(figures.requests) + " done in " +
               number_text(figures.seconds) + " s, at most " + std::to_string(figures.most_in_flight) +
               " in flight" + (stopped ? "; stopped before the end" : ""));
  for (const Failure& failure : figures.failures) {
    add_line(out, "  failed",
             std::to_string(failure.count) + ": " + kind_of(failure) + ": " + in_quotes(failure.message));
  }
  add_line(out, "throughput",
           number_text(figures.requests_per_second) + " requests/s, " +
               number_text(figures.input_tokens_per_second) + " input tokens/s, " +
               number_text(figures.output_tokens_per_second) + " output tokens/s");
  if (has_goals(plan.slo)) {
    add_line(out, "goodput",
             number_text(figures.goodput) + " requests/s: " + std::to_string(figures.good) + " of " +
                 std::to_string(figures.requests) + " within " + goals_of(plan.slo));
  }
  TableLine names;
  names.left("ms", kNameWidth);
  for (const char* name : {"mean", "p50", "p90", "p99", "max"}) names.right(name, kColumnWidth);
  out << "\n" << names.text() << "\n";
  add_spread(out, "time to first token", figures.ttft);
  add_spread(out, "time per output token", figures.tpot);
  add_spread(out, "inter-token latency", figures.itl);
  add_spread(out, "end to end", figures.e2e);
  if (figures.held_back.has_value()) add_spread(out, "sent after it was due", figures.held_back);
  add_notes(out, figures);
  return out.str();
}

Json report_json(const LoadPlan& plan, const LoadFigures& figures, const LoadRun& run) {
  Json report;
  add_plan(plan, report);
  report["stopped"] = run.stopped;
  report["seconds"] = figures.seconds;
  report["requests"] = figures.requests;
  report["done"] = figures.done;
  report["failures"] = Json::array();
  for (const Failure& failure : figures.failures) {
    report["failures"].push_back({{"kind", std::string(name_of(failure.outcome))},
                                  {"status", failure.status == 0 ? Json(nullptr) : Json(failure.status)},
                                  {"count", failure.count},
                                  {"message", failure.message}});
  }
  report["most_in_flight"] = figures.most_in_flight;
  report["input_tokens"] = or_null(figures.input_tokens);
  report["output_tokens"] = figures.output_tokens;
  report["chunks"] = figures.chunks;
  report["other_lengths"] = figures.other_lengths;
  report["requests_per_second"] = figures.requests_per_second;
  report["input_tokens_per_second"] = or_null(figures.input_tokens_per_second);
  report["output_tokens_per_second"] = figures.output_tokens_per_second;
  report["good"] = has_goals(plan.slo) ? Json(figures.good) : Json(nullptr);
  report["goodput_requests_per_second"] = has_goals(plan.slo) ? Json(figures.goodput) : Json(nullptr);
  report["ttft_ms"] = spread_json(figures.ttft);
  report["tpot_ms"] = spread_json(figures.tpot);
  report["itl_ms"] = spread_json(figures.itl);
  report["e2e_ms"] = spread_json(figures.e2e);
  report["held_back_ms"] = spread_json(figures.held_back);
  const TokenRates rates = token_rates(run.records);
  report["over_time"] = {{"interval_s", rates.width_s}, {"output_tokens_per_second", rates.per_second}};
  return report;
}

std::string report_csv(const LoadRun& run) {
  std::vector<Fields> rows;
  rows.reserve(run.records.size());
  for (const RequestRecord& record : run.records) {
    rows.push_back({{"index", record.index},
                    {"outcome", std::string(name_of(record.outcome))},
                    {"status", record.status == 0 ? Json(nullptr) : Json(record.status)},
                    {"arrival_s", record.arrival_s},
                    {"sent_s", record.sent_s},
                    {"end_s", record.end_s},
                    {"input_asked", record.input_asked},
                    {"input_tokens", or_null(record.input_tokens)},
                    {"output_asked", record.output_asked},
                    {"output_tokens", record.output_tokens()},
                    {"chunks", record.chunks.size()},
                    {"ttft_ms", or_null(record.ttft_ms())},
                    {"tpot_ms", or_null(record.tpot_ms())},
                    {"e2e_ms", record.e2e_ms()},
                    {"message", record.message}});
  }
  return cli::csv_of(rows);
}

std::string progress_text(const LoadProgress& progress) {
  std::ostringstream out;
  out << "caravan bench serve: " << (progress.warming_up ? "warming up: " : "") << progress.done;
  if (progress.all.has_value()) out << " of " << *progress.all;
  out << " done, ";
  if (progress.failed > 0) out << progress.failed << " failed, ";
  out << progress.in_flight << " in flight, " << std::llround(progress.chunks_per_second) << " tokens/s";
  return out.str();
}

}  // namespace caravan::load
