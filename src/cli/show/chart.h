// Charts: lines over two axes, as parts of a drawing.
// Thread safety: value types.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/show/axis.h"
#include "cli/show/svg.h"

namespace caravan::cli {

// Sizes in pixels. A chart's box is between its axes; around it stand its names and ticks.
constexpr double kChartWidth = 380.0;
constexpr double kChartHeight = 280.0;
constexpr double kChartBelow = 62.0;  ///< ticks and name of the x axis
constexpr double kChartRight = 24.0;
constexpr double kChartTitle = 16.0;  ///< from the title's baseline to the box

/// Where the box of the chart in `column` (from 0) begins, with room for tick labels and a name before it.
constexpr double chart_left(int column) { return 78.0 + column * (kChartWidth + 96.0); }

struct ChartLine {
  const char* colour = "";
  LineStyle style = LineStyle::kPlain;
  std::vector<std::pair<double, double>> points;  ///< in the axes' units
};

struct Chart {
  std::string title;
  std::string x_name;
  std::string y_name;
  Axis x;
  Axis y;
  double inset = 0.0;  ///< from the box's sides to the x axis's first and last value
  std::vector<ChartLine> lines;
};

/// Draws `chart` with the upper left corner of its box at (left, top). A dashed line of one point is drawn
/// across `inset` on both sides of it.
void draw_chart(SvgDrawing& svg, double left, double top, const Chart& chart);

}  // namespace caravan::cli
