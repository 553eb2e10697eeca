#include "cli/load/plot.h"

#include <algorithm>
#include <optional>

#include "cli/load/figures.h"
#include "cli/show/chart.h"

namespace caravan::load {

namespace {

using cli::Chart;
using cli::ChartLine;
using cli::LineStyle;
using cli::SvgDrawing;

// Sizes in pixels.
constexpr double kTop = 74.0;
constexpr double kRow = cli::kChartHeight + cli::kChartBelow + 44.0;
constexpr double kLegendLine = 18.0;

struct Distribution {
  const char* name;
  std::vector<double> values_ms;
};

/// The share of `values`, which are sorted, that is at most each of them, at up to 400 of them. What is below
/// `low` has no place on the axis, and is drawn at its start.
std::vector<std::pair<double, double>> shares_of(const std::vector<double>& values, double low) {
  constexpr size_t kPoints = 400;
  const size_t step = values.size() / kPoints + 1;
  const auto share = [&values](size_t count) {
    return static_cast<double>(count) / static_cast<double>(values.size());
  };
  std::vector<std::pair<double, double>> points = {{std::max(values.front(), low), 0.0}};
  for (size_t i = step - 1; i < values.size(); i += step)
    points.emplace_back(std::max(values[i], low), share(i + 1));
  points.emplace_back(std::max(values.back(), low), 1.0);
  return points;
}

void draw_nothing(SvgDrawing& svg, double left, double top, const std::string& title) {
  svg.text(left, top - cli::kChartTitle, title, "font-weight=\"bold\"");
  svg.text(left, top, "nothing was measured", "");
}

/// The distributions in one chart, with a legend where there are several.
void draw_distributions(SvgDrawing& svg, double left, double top, const std::string& title,
                        std::vector<Distribution> all) {
  std::erase_if(all, [](const Distribution& each) { return each.values_ms.empty(); });
  if (all.empty()) return draw_nothing(svg, left, top, title);
  double low = all.front().values_ms.front();
  double high = 0.0;
  for (Distribution& each : all) {
    std::sort(each.values_ms.begin(), each.values_ms.end());
    low = std::min(low, each.values_ms.front());
    high = std::max(high, each.values_ms.back());
  }
  // What a clock can tell, and as much as a logarithmic axis can show.
  high = std::max(high, 1e-3);
  low = std::max(low, high / 1e4);
  const cli::Axis x = cli::value_axis(low, high);
  Chart chart = {title,
                 std::string("ms") + (x.logarithmic ? ", logarithmic" : ""),
                 "share of them",
                 x,
                 cli::linear_axis(1.0),
                 0.0,
                 {}};
  double y = top + cli::kChartHeight - 14.0 - kLegendLine * static_cast<double>(all.size() - 1);
  for (size_t i = 0; i < all.size(); ++i) {
    const char* colour = cli::kColours.at(i);
    chart.lines.push_back({colour, LineStyle::kPlain, shares_of(all[i].values_ms, x.low)});
    if (all.size() == 1) continue;
    const double end = left + cli::kChartWidth - 8.0;
    svg.path({{end - 24.0, y - 4.0}, {end, y - 4.0}}, colour, LineStyle::kPlain);
    svg.text(end - 32.0, y, all[i].name, "text-anchor=\"end\"");
    y += kLegendLine;
  }
  cli::draw_chart(svg, left, top, chart);
}

void draw_rates(SvgDrawing& svg, double left, double top, const std::vector<RequestRecord>& records) {
  const std::string title = "Output over time";
  const TokenRates rates = token_rates(records);
  const double high = *std::max_element(rates.per_second.begin(), rates.per_second.end());
  if (high <= 0.0) return draw_nothing(svg, left, top, title);
  ChartLine line = {cli::kColours[0], LineStyle::kPlain, {}};
  for (size_t i = 0; i < rates.per_second.size(); ++i) {
    line.points.emplace_back(rates.width_s * static_cast<double>(i), rates.per_second[i]);
    line.points.emplace_back(rates.width_s * static_cast<double>(i + 1), rates.per_second[i]);
  }
  const double end = line.points.back().first;
  cli::draw_chart(svg, left, top,
                  {title, "seconds", "tokens/s", cli::linear_axis(end), cli::linear_axis(high), 0.0, {line}});
}

}  // namespace

std::string plot_svg(const std::vector<RequestRecord>& records, const std::string& title) {
  Distribution ttft = {"time to first token", {}};
  Distribution tpot = {"time per output token, of each request", {}};
  Distribution itl = {"gaps between chunks", chunk_gaps(records)};
  Distribution e2e = {"end to end", {}};
  const auto add = [](std::optional<double> value, Distribution& to) {
    if (value.has_value()) to.values_ms.push_back(*value);
  };
  for (const RequestRecord& record : records) {
    if (record.outcome != Outcome::kDone) continue;
    add(record.ttft_ms(), ttft);
    add(record.tpot_ms(), tpot);
    add(record.e2e_ms(), e2e);
  }
  SvgDrawing svg;
  svg.text(cli::chart_left(0), 28, title, "font-size=\"16\" font-weight=\"bold\"");
  draw_distributions(svg, cli::chart_left(0), kTop, "Time to first token", {std::move(ttft)});
  draw_distributions(svg, cli::chart_left(1), kTop, "Between tokens", {std::move(tpot), std::move(itl)});
  draw_distributions(svg, cli::chart_left(0), kTop + kRow, "End to end", {std::move(e2e)});
  draw_rates(svg, cli::chart_left(1), kTop + kRow, records);
  return svg.document(cli::chart_left(1) + cli::kChartWidth + cli::kChartRight, kTop + 2 * kRow);
}

}  // namespace caravan::load
