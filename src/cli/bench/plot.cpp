#include "cli/bench/plot.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iomanip>
#include <sstream>

#include "cli/bench/axis.h"
#include "cli/show/svg.h"

namespace caravan::cli {

namespace {

// Sizes in pixels. A panel is the box between its axes.
constexpr double kPanelWidth = 380.0;
constexpr double kPanelHeight = 280.0;
constexpr double kTop = 74.0;
constexpr double kLeft = 78.0;
constexpr double kBetween = 96.0;  ///< from one panel to the next: its tick labels and its name stand there
constexpr double kRight = 24.0;
constexpr double kBelow = 62.0;  ///< ticks and name of the x axis
constexpr double kLegendLine = 20.0;
constexpr double kInset = 14.0;      ///< from a panel's side to its first and last batch size
constexpr double kTickSpace = 30.0;  ///< labels of the x axis nearer than this would touch
constexpr double kWidth = kLeft + 2 * kPanelWidth + kBetween + kRight;

struct Series {
  std::string name;
  std::string limit_name;  ///< series that share it have the same limit, which is drawn once
  const char* colour = "";
  std::vector<const BenchFigures*> rows;  ///< by batch size
};

struct Panel {
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
    std::string name(name_of(row.at.dtype));
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

class Svg {
 public:
  Svg() { out_ << std::fixed << std::setprecision(1); }

  void line(double x1, double y1, double x2, double y2, const char* style) {
    out_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2 << "\" " << style
         << "/>\n";
  }
  void text(double x, double y, const std::string& text, const char* style) {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" " << style << ">" << escaped(text) << "</text>\n";
  }
  /// `text` around (x, y), read from below.
  void text_upwards(double x, double y, const std::string& text) {
    out_ << "<text transform=\"translate(" << x << " " << y << ") rotate(-90)\" text-anchor=\"middle\">"
         << escaped(text) << "</text>\n";
  }
  void path(const std::vector<std::pair<double, double>>& points, const char* colour, bool dashed) {
    out_ << "<polyline fill=\"none\" stroke=\"" << colour << "\" stroke-width=\"2\""
         << (dashed ? " stroke-dasharray=\"6 4\" stroke-opacity=\"0.8\"" : "") << " points=\"";
    for (const auto& [x, y] : points) out_ << x << "," << y << " ";
    out_ << "\"/>\n";
    if (dashed) return;
    for (const auto& [x, y] : points)
      out_ << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"3.5\" fill=\"" << colour << "\"/>\n";
  }
  [[nodiscard]] std::string body() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

constexpr const char* kGrid = "stroke=\"#e4e4e4\"";
constexpr const char* kAxis = "stroke=\"#333333\"";

void draw_axes(Svg& svg, double left, const Axis& x_axis, const Axis& y_axis,
               const std::function<double(double)>& x_of, const std::function<double(double)>& y_of) {
  const double bottom = kTop + kPanelHeight;
  for (const double tick : y_axis.ticks) {
    svg.line(left, y_of(tick), left + kPanelWidth, y_of(tick), kGrid);
    svg.text(left - 8, y_of(tick) + 4, tick_label(tick), "text-anchor=\"end\"");
  }
  double last = -kTickSpace;
  for (const double tick : x_axis.ticks) {
    svg.line(x_of(tick), bottom, x_of(tick), bottom + 5, kAxis);
    if (x_of(tick) - last < kTickSpace) continue;
    last = x_of(tick);
    svg.text(last, bottom + 20, tick_label(tick), "text-anchor=\"middle\"");
  }
  svg.line(left, kTop, left, bottom, kAxis);
  svg.line(left, bottom, left + kPanelWidth, bottom, kAxis);
  svg.text(left + kPanelWidth / 2, bottom + 42, "batch size (sequences)", "text-anchor=\"middle\"");
}

void draw_panel(Svg& svg, double left, const Panel& panel, const std::vector<Series>& all,
                const Axis& x_axis) {
  double low = panel.value(*all.front().rows.front());
  double high = low;
  for (const Series& series : all) {
    for (const BenchFigures* row : series.rows) {
      low = std::min({low, panel.value(*row), panel.limit(*row)});
      high = std::max({high, panel.value(*row), panel.limit(*row)});
    }
  }
  const Axis y_axis = value_axis(low, high);
  const auto x_of = [&](double batch) {
    return left + kInset + x_axis.place(batch) * (kPanelWidth - 2 * kInset);
  };
  const auto y_of = [&](double value) { return kTop + kPanelHeight * (1.0 - y_axis.place(value)); };
  draw_axes(svg, left, x_axis, y_axis, x_of, y_of);
  svg.text_upwards(left - 58, kTop + kPanelHeight / 2,
                   std::string(panel.name) + (y_axis.logarithmic ? ", logarithmic" : ""));
  std::vector<std::string> limits_drawn;
  for (const Series& series : all) {
    std::vector<std::pair<double, double>> measured;
    std::vector<std::pair<double, double>> limits;
    for (const BenchFigures* row : series.rows) {
      const double x = x_of(static_cast<double>(row->at.batch));
      measured.emplace_back(x, y_of(panel.value(*row)));
      limits.emplace_back(x, y_of(panel.limit(*row)));
    }
    // A lone limit has no line to be a part of.
    if (limits.size() == 1) {
      limits.front().first -= kInset;
      limits.emplace_back(limits.front().first + 2 * kInset, limits.front().second);
    }
    if (std::find(limits_drawn.begin(), limits_drawn.end(), series.limit_name) == limits_drawn.end())
      svg.path(limits, series.colour, true);
    limits_drawn.push_back(series.limit_name);
    svg.path(measured, series.colour, false);
  }
}

/// One line for each series, and one for the limits; returns where the next would stand.
double draw_legend(Svg& svg, const std::vector<Series>& all) {
  double y = kTop + kPanelHeight + kBelow + kLegendLine / 2;
  for (const Series& series : all) {
    svg.path({{kLeft, y - 4}, {kLeft + 34, y - 4}}, series.colour, false);
    svg.text(kLeft + 44, y, series.name, "");
    y += kLegendLine;
  }
  svg.path({{kLeft, y - 4}, {kLeft + 34, y - 4}}, "#333333", true);
  svg.text(kLeft + 44, y,
           "the limit, in the colour of the dtype's first line: weights and live KV cache read once at the "
           "bandwidth measured beside",
           "");
  return y + kLegendLine;
}

}  // namespace

std::string plot_svg(const std::vector<BenchFigures>& rows, const std::string& title) {
  const std::vector<Series> all = series_of(rows);
  Svg svg;
  svg.text(kLeft, 28, title, "font-size=\"16\" font-weight=\"bold\"");
  double bottom = kTop;
  if (all.empty()) {
    svg.text(kLeft, kTop, "no decode step was measured", "");
  } else {
    std::vector<double> sizes;
    sizes.reserve(rows.size());
    for (const BenchFigures& row : rows) sizes.push_back(static_cast<double>(row.at.batch));
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    const Axis x_axis = size_axis(std::move(sizes));
    const Panel latency = {"decode step, median (ms)",
                           [](const BenchFigures& row) { return row.decode->median_ms; },
                           [](const BenchFigures& row) { return row.decode->limit_ms; }};
    const auto batch = [](const BenchFigures& row) { return 1e3 * static_cast<double>(row.at.batch); };
    const Panel throughput = {
        "decode throughput (tokens/s)",
        [](const BenchFigures& row) { return row.decode->tokens_per_second(row.at.batch); },
        [&batch](const BenchFigures& row) { return batch(row) / row.decode->limit_ms; }};
    const double second = kLeft + kPanelWidth + kBetween;
    svg.text(kLeft, kTop - 16, "Latency", "font-weight=\"bold\"");
    draw_panel(svg, kLeft, latency, all, x_axis);
    svg.text(second, kTop - 16, "Throughput", "font-weight=\"bold\"");
    draw_panel(svg, second, throughput, all, x_axis);
    bottom = draw_legend(svg, all);
  }
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\"" << bottom
      << "\" viewBox=\"0 0 " << kWidth << " " << bottom
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
      << svg.body() << "</svg>\n";
  return out.str();
}

}  // namespace caravan::cli
