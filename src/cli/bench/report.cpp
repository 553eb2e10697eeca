#include "cli/bench/report.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "base/machine.h"
#include "cli/show/fields.h"
#include "cli/show/table.h"

namespace caravan::cli {

namespace {

/// Widths of the table's columns, with the blank before each.
constexpr int kNarrow = 7;
constexpr int kWide = 9;

std::string fraction(std::optional<double> value) {
  if (!value.has_value()) return "-";
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << *value;
  return out.str();
}

std::string megabytes(std::optional<uint64_t> bytes) {
  if (!bytes.has_value()) return "-";
  return number_text(static_cast<double>(*bytes) / 1e6);
}

std::optional<double> prefill_of_limit(const BenchFigures& row) {
  if (!row.prefill_limit_ms.has_value()) return std::nullopt;
  return *row.prefill_limit_ms / row.prefill_ms;
}

std::optional<double> rate_of_limit(const BenchFigures& row) {
  if (!row.limit_rate.has_value()) return std::nullopt;
  return row.rate_mean / *row.limit_rate;
}

double decode_of_limit(const DecodeFigures& decode) { return decode.limit_ms / decode.median_ms; }

/// "w8a8 sparse/int8" and a blank.
constexpr int kDTypeWidth = 17;
constexpr int kModeWidth = 15;

std::string test_row(const BenchFigures& row) {
  TableLine line;
  line.left(row.at.test, 12).left(dtypes_of(row.at), kDTypeWidth).left(row.at.mode, kModeWidth);
  line.right(number_text(row.rate_mean) + " +- " + number_text(row.rate_deviation), 20);
  line.right(fraction(rate_of_limit(row)), kNarrow);
  return line.text();
}

void add_rate_fields(const BenchFigures& row, Fields& fields) {
  fields.emplace_back("tokens_per_second_mean", row.rate_mean);
  fields.emplace_back("tokens_per_second_deviation", row.rate_deviation);
  fields.emplace_back("limit_tokens_per_second", or_null(row.limit_rate));
  fields.emplace_back("of_limit", or_null(rate_of_limit(row)));
}

void add_step_fields(const BenchFigures& row, Fields& fields) {
  fields.emplace_back("prefill_ms", row.prefill_ms);
  fields.emplace_back("prefill_tokens_per_second", row.prefill_tokens_per_second);
  fields.emplace_back("prefill_limit_ms", or_null(row.prefill_limit_ms));
  fields.emplace_back("prefill_of_limit", or_null(prefill_of_limit(row)));
  const auto decode = [&](const char* name, auto figure) {
    fields.emplace_back(name, row.decode.has_value() ? Json(figure(*row.decode)) : Json(nullptr));
  };
  decode("decode_mean_ms", [](const DecodeFigures& d) { return d.mean_ms; });
  decode("decode_median_ms", [](const DecodeFigures& d) { return d.median_ms; });
  decode("decode_p90_ms", [](const DecodeFigures& d) { return d.p90_ms; });
  decode("decode_p99_ms", [](const DecodeFigures& d) { return d.p99_ms; });
  decode("decode_tokens_per_second",
         [&row](const DecodeFigures& d) { return d.tokens_per_second(row.at.batch); });
  decode("decode_limit_ms", [](const DecodeFigures& d) { return d.limit_ms; });
  decode("decode_of_limit", decode_of_limit);
}

Fields fields_of(const BenchFigures& row) {
  Fields fields;
  if (!row.at.test.empty()) fields.emplace_back("test", row.at.test);
  fields.emplace_back("dtype", std::string(name_of(row.at.dtype)));
  fields.emplace_back("weights", weights_of(row.at));
  fields.emplace_back("mode", row.at.mode);
  fields.emplace_back("threads", row.at.flags.engine.threads);
  fields.emplace_back("batch_size", row.at.batch);
  fields.emplace_back("input_tokens", row.at.input);
  fields.emplace_back("output_tokens", row.at.output);
  row.at.test.empty() ? add_step_fields(row, fields) : add_rate_fields(row, fields);
  fields.emplace_back("kv_cache_dtype", std::string(name_of(row.at.kv_dtype)));
  fields.emplace_back("weights_bytes", row.weight_bytes);
  fields.emplace_back("kv_cache_bytes", row.kv_bytes);
  fields.emplace_back("other_bytes", or_null(row.other_bytes()));
  fields.emplace_back("peak_bytes", or_null(row.peak_bytes));
  fields.emplace_back("machine_bytes_per_second", row.limits.bytes_per_second);
  fields.emplace_back("machine_int8_per_second", or_null(row.limits.int8_per_second));
  fields.emplace_back("machine_flops_per_second", or_null(row.limits.flops_per_second));
  return fields;
}

}  // namespace

std::string table_head(const BenchPlan& plan) {
  const EngineFlags& flags = plan.cases.front().flags;
  std::ostringstream out;
  out << flags.model_path.string() << " on " << cpu_name() << ", " << flags.engine.threads
      << (flags.engine.threads == 1 ? " thread, " : " threads, ") << name_of(flags.engine.isa)
      << " kernels\n\n";
  if (plan.kind == BenchKind::kTests) {
    TableLine names;
    names.left("test", 12).left("dtype", kDTypeWidth).left("mode", kModeWidth);
    names.right("tokens/s", 20).right("limit", kNarrow);
    out << names.text() << "\n";
    return out.str();
  }
  TableLine groups;
  groups.left("", kDTypeWidth + kModeWidth + 3 * kNarrow - 1).right("| prefill", kWide + 1);
  groups.right("", kWide + kNarrow - 1).right("| decode step, ms", 17).right("", 4 * kWide + kNarrow - 6);
  groups.right("| memory, MB", 12);
  TableLine names;
  names.left("dtype", kDTypeWidth).left("mode", kModeWidth);
  names.right("batch", kNarrow - 1).right("in", kNarrow).right("out", kNarrow);
  names.right("ms", kWide).right("tokens/s", kWide + 1).right("limit", kNarrow);
  for (const char* name : {"mean", "median", "p90", "p99"}) names.right(name, kWide);
  names.right("tokens/s", kWide + 1).right("limit", kNarrow);
  for (const char* name : {"weights", "KV", "other", "peak"}) names.right(name, kWide);
  out << groups.text() << "\n" << names.text() << "\n";
  return out.str();
}

std::string table_row(const BenchFigures& row) {
  if (!row.at.test.empty()) return test_row(row);
  TableLine line;
  line.left(dtypes_of(row.at), kDTypeWidth).left(row.at.mode, kModeWidth);
  line.right(std::to_string(row.at.batch), kNarrow - 1);
  line.right(std::to_string(row.at.input), kNarrow).right(std::to_string(row.at.output), kNarrow);
  line.right(number_text(row.prefill_ms), kWide).right(number_text(row.prefill_tokens_per_second), kWide + 1);
  line.right(fraction(prefill_of_limit(row)), kNarrow);
  const auto decode = [&row](auto figure) {
    return row.decode.has_value() ? std::optional<double>(figure(*row.decode)) : std::nullopt;
  };
  line.right(number_text(decode([](const DecodeFigures& d) { return d.mean_ms; })), kWide);
  line.right(number_text(decode([](const DecodeFigures& d) { return d.median_ms; })), kWide);
  line.right(number_text(decode([](const DecodeFigures& d) { return d.p90_ms; })), kWide);
  line.right(number_text(decode([](const DecodeFigures& d) { return d.p99_ms; })), kWide);
  line.right(
      number_text(decode([&row](const DecodeFigures& d) { return d.tokens_per_second(row.at.batch); })),
      kWide + 1);
  line.right(fraction(decode(decode_of_limit)), kNarrow);
  line.right(megabytes(row.weight_bytes), kWide).right(megabytes(row.kv_bytes), kWide);
  line.right(megabytes(row.other_bytes()), kWide).right(megabytes(row.peak_bytes), kWide);
  return line.text();
}

std::string table_foot(const std::vector<BenchFigures>& rows) {
  double slowest = 0.0;
  double fastest = 0.0;
  for (const BenchFigures& row : rows) {
    const double rate = row.limits.bytes_per_second / 1e9;
    slowest = slowest == 0.0 ? rate : std::min(slowest, rate);
    fastest = std::max(fastest, rate);
  }
  std::ostringstream out;
  out << "\nlimit: the share of the physical limit that is reached. Decode: weights and live KV cache read "
         "once at "
      << number_text(slowest);
  if (fastest > slowest) out << " to " << number_text(fastest);
  out << " GB/s,\n       which was measured beside each row over as many bytes.";
  const std::optional<double>& peak = rows.front().limits.flops_per_second;
  out << (peak.has_value() ? " Prefill: its arithmetic at the measured peak.\n"
                           : " Prefill: no peak was measured.\n");
  if (rows.front().at.test.empty()) {
    out << "other: what the process held at its peak beside weights and KV cache: activations, code, "
           "files.\n";
  }
  return out.str();
}

std::string search_line(const BenchSearch& search) {
  std::ostringstream out;
  out << "largest batch with a median decode step under " << search.max_decode_ms << " ms ("
      << dtypes_of(search.at) << ", " << search.at.mode << ", " << search.at.input << " tokens in): ";
  if (search.batch == 0) {
    out << "none; one sequence takes " << number_text(search.decode_ms) << " ms";
  } else {
    out << search.batch << ", at " << number_text(search.decode_ms) << " ms";
  }
  if (search.bounded.has_value()) out << "; memory, context and --max-batch-tokens allow no larger one";
  return out.str();
}

Json report_json(const BenchPlan& plan, const std::vector<BenchFigures>& rows,
                 const std::vector<BenchSearch>& searches) {
  const EngineFlags& flags = plan.cases.front().flags;
  Json report;
  report["model"] = flags.model_path.string();
  report["parameters"] = plan.config.parameters();
  report["cpu"] = cpu_name();
  report["isa"] = std::string(name_of(flags.engine.isa));
  report["threads"] = flags.engine.threads;
  report["kv_cache"] = flags.engine.kv_cache == KvCacheKind::kPaged ? "paged" : "contiguous";
  report["max_batch_tokens"] = flags.engine.max_batch_tokens;
  report["repeat"] = plan.repeat;
  report["results"] = Json::array();
  for (const BenchFigures& row : rows) report["results"].push_back(json_object(fields_of(row)));
  if (plan.kind != BenchKind::kSearch) return report;
  report["largest_batches"] = Json::array();
  for (const BenchSearch& search : searches) {
    Json& object = report["largest_batches"].emplace_back(Json::object());
    object["dtype"] = std::string(name_of(search.at.dtype));
    object["kv_cache_dtype"] = std::string(name_of(search.at.kv_dtype));
    object["mode"] = search.at.mode;
    object["input_tokens"] = search.at.input;
    object["decode_under_ms"] = search.max_decode_ms;
    object["batch_size"] = search.batch;
    object["decode_median_ms"] = search.decode_ms;
    object["bounded_at"] = or_null(search.bounded);
  }
  return report;
}

std::string report_csv(const std::vector<BenchFigures>& rows) {
  std::vector<Fields> all;
  all.reserve(rows.size());
  for (const BenchFigures& row : rows) all.push_back(fields_of(row));
  return csv_of(all);
}

}  // namespace caravan::cli
