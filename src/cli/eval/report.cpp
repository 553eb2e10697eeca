#include "cli/eval/report.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "base/machine.h"
#include "cli/show/fields.h"
#include "cli/show/table.h"

namespace caravan::eval {

namespace {

/// Widths of the table's columns, with the blanks before each.
constexpr int kWide = 12;
constexpr int kNarrow = 10;

std::string fixed(double value, int digits, const char* unit = "") {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value << unit;
  return out.str();
}

std::string change(double value, int digits, const char* unit) {
  return (value < 0.0 ? "" : "+") + fixed(value, digits, unit);
}

std::string count(int64_t number, const char* thing) {
  return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

constexpr const char* kPathTitle = "checkpoint";
constexpr const char* kNumbersTitle = "numbers";

/// Where a line begins: path and numbers, each as wide as the widest.
cli::TableLine line_of(const EvalReport& report, const std::string& path, const std::string& numbers) {
  size_t paths = std::string(kPathTitle).size();
  size_t all_numbers = std::string(kNumbersTitle).size();
  for (const Checkpoint& each : report.checkpoints) {
    paths = std::max(paths, each.path().size());
    all_numbers = std::max(all_numbers, numbers_of(each).size());
  }
  cli::TableLine line;
  line.left(path, static_cast<int>(paths) + 2).left(numbers, static_cast<int>(all_numbers));
  return line;
}

std::string head(const EvalReport& report) {
  const cli::EngineFlags& flags = report.baseline().planned.flags;
  std::ostringstream out;
  if (report.has_text()) {
    const TokenScore& all = report.baseline().scores.all_text();
    out << report.work.text->path().string() << ": " << count(all.tokens, "token") << " of "
        << count(report.extent.texts, "text") << (report.work.with_end ? ", with the end of each" : "")
        << ", in windows of " << report.work.max_length << ", stride " << report.work.stride << "\n";
  }
  if (report.has_questions()) {
    out << report.plan.questions->string() << ": "
        << count(static_cast<int64_t>(report.work.questions.size()), "question") << "\n";
  }
  out << "on " << cpu_name() << ", " << count(flags.engine.threads, "thread") << ", "
      << caravan::name_of(flags.engine.isa) << " kernels, " << caravan::name_of(flags.engine.execute_mode)
      << "\n\n";
  return out.str();
}

std::string row(const EvalReport& report, const Checkpoint& each) {
  const Checkpoint& baseline = report.baseline();
  const bool is_baseline = &each == &baseline;
  cli::TableLine line = line_of(report, each.path(), numbers_of(each));
  line.right(fixed(static_cast<double>(each.weight_bytes) / 1e6, 2), kNarrow);
  if (report.has_text()) {
    const double perplexity = each.scores.all_text().perplexity();
    const double ratio = perplexity / baseline.scores.all_text().perplexity();
    line.right(fixed(perplexity, 4), kWide)
        .right(is_baseline ? "-" : change(100.0 * (ratio - 1.0), 2, " %"), kNarrow);
  }
  if (report.has_questions()) {
    const double share = each.scores.all_questions().share();
    const double points = 100.0 * (share - baseline.scores.all_questions().share());
    line.right(fixed(100.0 * share, 2, " %"), kWide)
        .right(is_baseline ? "-" : change(points, 2, ""), kNarrow);
  }
  if (report.has_text()) {
    const DistanceScore& distance = each.scores.distance;
    line.right(is_baseline ? "-" : three_digits(distance.mean_divergence()), kWide)
        .right(is_baseline ? "-" : fixed(100.0 * distance.agreement(), 2, " %"), kNarrow);
  }
  return line.text() + "\n";
}

Json perplexities(const Scores& scores) {
  Json object = Json::object();
  for (const auto& [language, score] : scores.text)
    object[language] = {{"perplexity", score.perplexity()}, {"tokens", score.tokens}};
  return object;
}

Json matches(const Scores& scores) {
  Json object = Json::object();
  for (const auto& [language, kinds] : scores.questions) {
    for (const auto& [kind, score] : kinds) object[language][kind] = score.share();
  }
  return object;
}

Json result_json(const EvalReport& report, const Checkpoint& each) {
  const bool is_baseline = &each == &report.baseline();
  Json result;
  result["model"] = each.path();
  result["dtype"] = std::string(caravan::name_of(each.dtype));
  result["quantization"] = cli::or_null(each.scheme);
  result["kv_cache_dtype"] = std::string(caravan::name_of(each.kv_dtype));
  result["baseline"] = is_baseline;
  result["weights_bytes"] = each.weight_bytes;
  result["perplexity"] = report.has_text() ? perplexities(each.scores) : Json(nullptr);
  result["exact_match"] = report.has_questions() ? matches(each.scores) : Json(nullptr);
  const bool is_compared = report.has_text() && !is_baseline;
  result["kl_divergence"] = is_compared ? Json(each.scores.distance.mean_divergence()) : Json(nullptr);
  result["top1_agreement"] = is_compared ? Json(each.scores.distance.agreement()) : Json(nullptr);
  return result;
}

}  // namespace

std::string numbers_of(const Checkpoint& checkpoint) {
  std::string numbers(caravan::name_of(checkpoint.dtype));
  if (checkpoint.scheme.has_value()) numbers += " " + *checkpoint.scheme;
  if (checkpoint.kv_dtype != checkpoint.dtype)
    numbers += " kv " + std::string(caravan::name_of(checkpoint.kv_dtype));
  return numbers;
}

std::string name_of(const Checkpoint& checkpoint) { return checkpoint.path() + " " + numbers_of(checkpoint); }

std::string three_digits(double value) {
  std::ostringstream out;
  out << std::setprecision(3) << value;
  return out.str();
}

std::string table_text(const EvalReport& report) {
  cli::TableLine names = line_of(report, kPathTitle, kNumbersTitle);
  names.right("MB", kNarrow);
  if (report.has_text()) names.right("perplexity", kWide).right("change", kNarrow);
  if (report.has_questions()) names.right("exact match", kWide).right("points", kNarrow);
  if (report.has_text()) names.right("KL", kWide).right("top-1", kNarrow);
  std::string out = head(report) + names.text() + "\n";
  for (const Checkpoint& each : report.checkpoints) out += row(report, each);
  out += "\nMB: the weights in memory.";
  if (report.has_questions())
    out += " exact match: every token of the answer and the stop after it are right.";
  if (report.checkpoints.size() == 1) return out + "\n";
  out += "\nagainst the baseline, " + name_of(report.baseline()) + ":";
  if (report.has_text()) out += " change of the perplexity;";
  if (report.has_questions()) out += " points of exact match;";
  if (report.has_text()) {
    out +=
        " KL: divergence of the next token's\ndistribution from the baseline's, in nats, mean over the "
        "tokens; "
        "top-1: tokens after which both think the same one likeliest;";
  }
  out.back() = '.';
  return out + "\n";
}

Json report_json(const EvalReport& report) {
  const cli::EngineFlags& flags = report.baseline().planned.flags;
  Json json;
  json["cpu"] = cpu_name();
  json["isa"] = std::string(caravan::name_of(flags.engine.isa));
  json["threads"] = flags.engine.threads;
  json["execute_mode"] = std::string(caravan::name_of(flags.engine.execute_mode));
  json["text"] = nullptr;
  if (report.has_text()) {
    json["text"] = {
        {"file", report.work.text->path().string()}, {"texts", report.extent.texts},
        {"windows", report.extent.windows},          {"tokens", report.baseline().scores.all_text().tokens},
        {"max_length", report.work.max_length},      {"stride", report.work.stride},
        {"end_token", report.work.with_end}};
  }
  json["questions"] = nullptr;
  if (report.has_questions())
    json["questions"] = {{"file", report.plan.questions->string()}, {"count", report.work.questions.size()}};
  json["results"] = Json::array();
  for (const Checkpoint& each : report.checkpoints) json["results"].push_back(result_json(report, each));
  return json;
}

}  // namespace caravan::eval
