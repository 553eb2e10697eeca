#include "cli/show/chart.h"

namespace caravan::cli {

namespace {

constexpr double kTickSpace = 30.0;  ///< labels of the x axis nearer than this would touch
constexpr const char* kGrid = "stroke=\"#e4e4e4\"";
constexpr const char* kLine = "stroke=\"#333333\"";

/// From the axes' units to pixels.
struct Places {
  double left = 0.0;
  double top = 0.0;
  const Chart* chart = nullptr;

  [[nodiscard]] double x_of(double value) const {
    return left + chart->inset + chart->x.place(value) * (kChartWidth - 2 * chart->inset);
  }
  [[nodiscard]] double y_of(double value) const { return top + kChartHeight * (1.0 - chart->y.place(value)); }
};

std::string name_of_axis(const std::string& name, bool logarithmic) {
  return name + (logarithmic ? ", logarithmic" : "");
}

void draw_axes(SvgDrawing& svg, const Places& places) {
  const Chart& chart = *places.chart;
  const double left = places.left;
  const double right = left + kChartWidth;
  const double bottom = places.top + kChartHeight;
  for (const double tick : chart.y.ticks) {
    svg.line(left, places.y_of(tick), right, places.y_of(tick), kGrid);
    svg.text(left - 8, places.y_of(tick) + 4, tick_label(tick), "text-anchor=\"end\"");
  }
  double last = -kTickSpace;
  for (const double tick : chart.x.ticks) {
    svg.line(places.x_of(tick), bottom, places.x_of(tick), bottom + 5, kLine);
    if (places.x_of(tick) - last < kTickSpace) continue;
    last = places.x_of(tick);
    svg.text(last, bottom + 20, tick_label(tick), "text-anchor=\"middle\"");
  }
  svg.line(left, places.top, left, bottom, kLine);
  svg.line(left, bottom, right, bottom, kLine);
}

}  // namespace

void draw_chart(SvgDrawing& svg, double left, double top, const Chart& chart) {
  const Places places = {left, top, &chart};
  svg.text(left, top - kChartTitle, chart.title, "font-weight=\"bold\"");
  draw_axes(svg, places);
  svg.text(left + kChartWidth / 2, top + kChartHeight + 42, chart.x_name, "text-anchor=\"middle\"");
  svg.text_upwards(left - 58, top + kChartHeight / 2, name_of_axis(chart.y_name, chart.y.logarithmic));
  for (const ChartLine& line : chart.lines) {
    std::vector<std::pair<double, double>> points;
    points.reserve(line.points.size());
    for (const auto& [x, y] : line.points) points.emplace_back(places.x_of(x), places.y_of(y));
    if (points.size() == 1 && line.style == LineStyle::kDashed) {
      points.front().first -= chart.inset;
      points.emplace_back(points.front().first + 2 * chart.inset, points.front().second);
    }
    svg.path(points, line.colour, line.style);
  }
}

}  // namespace caravan::cli
