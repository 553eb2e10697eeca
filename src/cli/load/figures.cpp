#include "cli/load/figures.h"

#include <algorithm>
#include <cmath>

#include "base/statistics.h"

namespace caravan::load {

namespace {

std::optional<Spread> spread_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  Spread spread;
  spread.count = values.size();
  spread.mean = mean_of(values);
  spread.p50 = quantile(values, 0.5);
  spread.p90 = quantile(values, 0.9);
  spread.p99 = quantile(values, 0.99);
  spread.highest = values.back();
  return spread;
}

void count_failure(const RequestRecord& record, std::vector<Failure>& failures) {
  // A proxy's 200 that is no stream is one of the broken ones, whatever its status.
  const int status = record.outcome == Outcome::kStatus ? record.status : 0;
  const auto found = std::find_if(failures.begin(), failures.end(), [&](const Failure& each) {
    return each.outcome == record.outcome && each.status == status;
  });
  if (found == failures.end()) {
    failures.push_back({record.outcome, status, 1, record.message});
  } else {
    ++found->count;
  }
}

/// The most requests that were under way at one moment.
int64_t most_in_flight(const std::vector<RequestRecord>& records) {
  std::vector<std::pair<double, int64_t>> changes;
  for (const RequestRecord& record : records) {
    changes.emplace_back(record.sent_s, 1);
    changes.emplace_back(record.end_s, -1);
  }
  // At the same time the end comes first: one takes the place of the other.
  std::sort(changes.begin(), changes.end());
  int64_t now = 0;
  int64_t most = 0;
  for (const auto& [time, change] : changes) {
    now += change;
    most = std::max(most, now);
  }
  return most;
}

void add_latencies(const std::vector<RequestRecord>& records, LoadFigures& figures) {
  std::vector<double> ttft;
  std::vector<double> tpot;
  std::vector<double> e2e;
  std::vector<double> held_back;
  // Shorter waits are those of the loop, not of a limit.
  constexpr double kNoticeable = 5e-3;
  bool was_held_back = false;
  for (const RequestRecord& record : records) {
    const double wait = record.sent_s - record.arrival_s;
    held_back.push_back(wait * 1e3);
    was_held_back = was_held_back || wait > kNoticeable;
    if (record.outcome != Outcome::kDone) continue;
    if (const std::optional<double> value = record.ttft_ms()) ttft.push_back(*value);
    if (const std::optional<double> value = record.tpot_ms()) tpot.push_back(*value);
    e2e.push_back(record.e2e_ms());
  }
  figures.ttft = spread_of(std::move(ttft));
  figures.tpot = spread_of(std::move(tpot));
  figures.itl = spread_of(chunk_gaps(records));
  figures.e2e = spread_of(std::move(e2e));
  if (was_held_back) figures.held_back = spread_of(std::move(held_back));
}

void add_done(const RequestRecord& record, const Slo& slo, LoadFigures& figures) {
  ++figures.done;
  figures.output_tokens += record.output_tokens();
  figures.chunks += static_cast<int64_t>(record.chunks.size());
  if (record.output_tokens() != record.output_asked) ++figures.other_lengths;
  if (figures.input_tokens.has_value() && record.input_tokens.has_value()) {
    *figures.input_tokens += *record.input_tokens;
  } else {
    figures.input_tokens.reset();
  }
  if (keeps(record, slo)) ++figures.good;
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least `value`.
double rounded_up(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10.0 * power;
}

}  // namespace

bool keeps(const RequestRecord& record, const Slo& slo) {
  const auto within = [](std::optional<double> value, std::optional<double> goal) {
    return !goal.has_value() || !value.has_value() || *value <= *goal;
  };
  return within(record.ttft_ms(), slo.ttft_ms) && within(record.tpot_ms(), slo.tpot_ms) &&
         within(record.e2e_ms(), slo.e2e_ms);
}

std::vector<double> chunk_gaps(const std::vector<RequestRecord>& records) {
  std::vector<double> gaps;
  for (const RequestRecord& record : records) {
    if (record.outcome != Outcome::kDone) continue;
    for (size_t i = 1; i < record.chunks.size(); ++i)
      gaps.push_back((record.chunks[i] - record.chunks[i - 1]) * 1e3);
  }
  return gaps;
}

LoadFigures figures_of(const std::vector<RequestRecord>& records, const Slo& slo) {
  LoadFigures figures;
  figures.requests = static_cast<int64_t>(records.size());
  if (records.empty()) return figures;
  figures.input_tokens = 0;
  double first = records.front().sent_s;
  double last = records.front().end_s;
  for (const RequestRecord& record : records) {
    first = std::min(first, record.sent_s);
    last = std::max(last, record.end_s);
    if (record.outcome == Outcome::kDone) {
      add_done(record, slo, figures);
    } else {
      count_failure(record, figures.failures);
    }
  }
  std::stable_sort(figures.failures.begin(), figures.failures.end(),
                   [](const Failure& a, const Failure& b) { return a.count > b.count; });
  add_latencies(records, figures);
  figures.most_in_flight = most_in_flight(records);
  figures.seconds = last - first;
  if (figures.seconds <= 0.0) return figures;
  const auto per_second = [&figures](int64_t count) { return static_cast<double>(count) / figures.seconds; };
  figures.requests_per_second = per_second(figures.done);
  figures.output_tokens_per_second = per_second(figures.output_tokens);
  figures.goodput = per_second(figures.good);
  if (figures.input_tokens.has_value()) figures.input_tokens_per_second = per_second(*figures.input_tokens);
  return figures;
}

TokenRates token_rates(const std::vector<RequestRecord>& records) {
  constexpr double kIntervals = 120.0;
  constexpr double kNarrowest = 0.1;
  double last = 0.0;
  for (const RequestRecord& record : records) last = std::max(last, record.end_s);
  TokenRates rates;
  rates.width_s = rounded_up(std::max(last / kIntervals, kNarrowest));
  rates.per_second.resize(static_cast<size_t>(last / rates.width_s) + 1, 0.0);
  for (const RequestRecord& record : records) {
    if (record.chunks.empty()) continue;
    const double tokens =
        static_cast<double>(record.output_tokens()) / static_cast<double>(record.chunks.size());
    for (const double time : record.chunks)
      rates.per_second[static_cast<size_t>(time / rates.width_s)] += tokens / rates.width_s;
  }
  return rates;
}

}  // namespace caravan::load
