#include "cli/bench/plot.h"

#include <algorithm>
#include <functional>
#include <sstream>

#include "cli/show/chart.h"
#include "cli/show/svg.h"

namespace caravan::cli {

namespace {

// Sizes in pixels.
constexpr double kTop = 74.0;
constexpr double kInset = 14.0;  ///< from a panel's side to its first and last batch size
constexpr double kLegendLine = 20.0;
constexpr double kWidth = chart_left(1) + kChartWidth + kChartRight;

struct Series {
  std::string name;
  std::string limit_name;  ///< series that share it have the same limit, which is drawn once
  const char* colour = "";
  std::vector<const BenchFigures*> rows;  ///< by batch size
};

struct Panel {
  const char* title;
  const char* name;
  std::function<double(const BenchFigures&)> value;
  std::function<double(const BenchFigures&)> limit;
};

/// "512 tokens in"; the output length is named too where `rows` have several.
std::string lengths_of(const BenchFigures& row, const std::vector<BenchFigures>& rows) {
  const bool one_output = std::all_of(rows.begin(), rows.end(), [&row](const BenchFigures& other) {
    return other.at.output == row.at.output;
  });
  std::ostringstream out;
  out << row.at.input << " tokens in";
  if (!one_output) out << ", " << row.at.output << " out";
  return out.str();
}

std::vector<Series> series_of(const std::vector<BenchFigures>& rows) {
  std::vector<Series> all;
  for (const BenchFigures& row : rows) {
    if (!row.decode.has_value()) continue;
    const std::string lengths = lengths_of(row, rows);
    std::string name = dtypes_of(row.at);
    std::string limit_name = name;
    name.append(" ").append(row.at.mode).append(", ").append(lengths);
    limit_name.append(", ").append(lengths);
    auto found =
        std::find_if(all.begin(), all.end(), [&name](const Series& each) { return each.name == name; });
    if (found == all.end()) {
      all.push_back({name, limit_name, kColours.at(all.size() % kColours.size()), {}});
      found = all.end() - 1;
    }
    found->rows.push_back(&row);
  }
  for (Series& series : all) {
    std::stable_sort(series.rows.begin(), series.rows.end(),
                     [](const BenchFigures* a, const BenchFigures* b) { return a->at.batch < b->at.batch; });
  }
  return all;
}

void draw_panel(SvgDrawing& svg, double left, const Panel& panel, const std::vector<Series>& all,
                const Axis& x_axis) {
  double low = panel.value(*all.front().rows.front());
  double high = low;
  for (const Series& series : all) {
    for (const BenchFigures* row : series.rows) {
      low = std::min({low, panel.value(*row), panel.limit(*row)});
      high = std::max({high, panel.value(*row), panel.limit(*row)});
    }
  }
  Chart chart = {panel.title, "batch size (sequences)", panel.name, x_axis, value_axis(low, high), kInset,
                 {}};
  std::vector<std::string> limits_drawn;
  for (const Series& series : all) {
    ChartLine measured = {series.colour, LineStyle::kMarked, {}};
    ChartLine limits = {series.colour, LineStyle::kDashed, {}};
    for (const BenchFigures* row : series.rows) {
      const auto batch = static_cast<double>(row->at.batch);
      measured.points.emplace_back(batch, panel.value(*row));
      limits.points.emplace_back(batch, panel.limit(*row));
    }
    if (std::find(limits_drawn.begin(), limits_drawn.end(), series.limit_name) == limits_drawn.end())
      chart.lines.push_back(std::move(limits));
    limits_drawn.push_back(series.limit_name);
    chart.lines.push_back(std::move(measured));
  }
  draw_chart(svg, left, kTop, chart);
}

/// One line for each series, and one for the limits; returns where the next would stand.
double draw_legend(SvgDrawing& svg, const std::vector<Series>& all) {
  double y = kTop + kChartHeight + kChartBelow + kLegendLine / 2;
  for (const Series& series : all) {
    svg.path({{chart_left(0), y - 4}, {chart_left(0) + 34, y - 4}}, series.colour, LineStyle::kMarked);
    svg.text(chart_left(0) + 44, y, series.name, "");
    y += kLegendLine;
  }
  svg.path({{chart_left(0), y - 4}, {chart_left(0) + 34, y - 4}}, "#333333", LineStyle::kDashed);
  svg.text(chart_left(0) + 44, y,
           "the limit, in the colour of the dtype's first line: weights and live KV cache read once at the "
           "bandwidth measured beside",
           "");
  return y + kLegendLine;
}

}  // namespace

std::string plot_svg(const std::vector<BenchFigures>& rows, const std::string& title) {
  const std::vector<Series> all = series_of(rows);
  SvgDrawing svg;
  svg.text(chart_left(0), 28, title, "font-size=\"16\" font-weight=\"bold\"");
  double bottom = kTop;
  if (all.empty()) {
    svg.text(chart_left(0), kTop, "no decode step was measured", "");
  } else {
    std::vector<double> sizes;
    sizes.reserve(rows.size());
    for (const BenchFigures& row : rows) sizes.push_back(static_cast<double>(row.at.batch));
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    const Axis x_axis = size_axis(std::move(sizes));
    const Panel latency = {"Latency", "decode step, median (ms)",
                           [](const BenchFigures& row) { return row.decode->median_ms; },
                           [](const BenchFigures& row) { return row.decode->limit_ms; }};
    const auto batch = [](const BenchFigures& row) { return 1e3 * static_cast<double>(row.at.batch); };
    const Panel throughput = {
        "Throughput", "decode throughput (tokens/s)",
        [](const BenchFigures& row) { return row.decode->tokens_per_second(row.at.batch); },
        [&batch](const BenchFigures& row) { return batch(row) / row.decode->limit_ms; }};
    draw_panel(svg, chart_left(0), latency, all, x_axis);
    draw_panel(svg, chart_left(1), throughput, all, x_axis);
    bottom = draw_legend(svg, all);
  }
  return svg.document(kWidth, bottom);
}

}  // namespace caravan::cli
