#include "cli/eval/plot.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iomanip>
#include <optional>
#include <sstream>

#include "cli/show/svg.h"

namespace caravan::eval {

namespace {

// Sizes in pixels.
constexpr double kLeft = 24.0;
constexpr double kTop = 64.0;
constexpr double kLetter = 7.0;   ///< about the width of one, at the drawing's size
constexpr double kBar = 150.0;    ///< the longest
constexpr double kFigure = 64.0;  ///< room for the figure behind a bar
constexpr double kGap = 24.0;     ///< between panels
constexpr double kRow = 24.0;
constexpr double kSubtitle = 16.0;

/// A panel: what is measured, of whom.
struct Panel {
  std::string title;
  const char* better = "";
  /// Of each checkpoint; nothing for one that has none.
  std::function<std::optional<double>(const Checkpoint&)> figure;
  std::function<std::string(double)> text_of;
};

std::function<std::string(double)> fixed(int digits, const char* unit) {
  return [digits, unit](double figure) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(digits) << figure << unit;
    return out.str();
  };
}

std::vector<Panel> panels_of(const EvalReport& report) {
  constexpr const char* kLess = "less is better";
  constexpr const char* kMore = "more is better";
  std::vector<Panel> panels = {
      {"Weights, MB", kLess,
       [](const Checkpoint& each) { return static_cast<double>(each.weight_bytes) / 1e6; }, fixed(2, "")}};
  if (report.has_text()) {
    panels.push_back({"Perplexity", kLess,
                      [](const Checkpoint& each) { return each.scores.all_text().perplexity(); },
                      fixed(4, "")});
  }
  if (report.has_questions()) {
    panels.push_back({"Exact match", kMore,
                      [](const Checkpoint& each) { return 100.0 * each.scores.all_questions().share(); },
                      fixed(2, " %")});
  }
  if (!report.has_text() || report.checkpoints.size() == 1) return panels;
  const auto distance = [baseline = &report.baseline()](auto figure) {
    return [baseline, figure](const Checkpoint& each) -> std::optional<double> {
      if (&each == baseline) return std::nullopt;
      return figure(each.scores.distance);
    };
  };
  panels.push_back({"KL from the baseline", kLess,
                    distance([](const DistanceScore& score) { return score.mean_divergence(); }),
                    three_digits});
  panels.push_back({"Top-1 agreement", kMore,
                    distance([](const DistanceScore& score) { return 100.0 * score.agreement(); }),
                    fixed(2, " %")});
  return panels;
}

void draw_panel(cli::SvgDrawing& svg, double left, const EvalReport& report, const Panel& panel) {
  svg.text(left, kTop, panel.title, "font-weight=\"bold\"");
  svg.text(left, kTop + kSubtitle, panel.better, "font-size=\"10\"");
  double longest = 0.0;
  for (const Checkpoint& each : report.checkpoints) {
    const double figure = panel.figure(each).value_or(0.0);
    if (std::isfinite(figure)) longest = std::max(longest, figure);
  }
  double y = kTop + kSubtitle + kRow;
  for (size_t i = 0; i < report.checkpoints.size(); ++i, y += kRow) {
    const std::optional<double> figure = panel.figure(report.checkpoints[i]);
    double end = left;
    if (std::isfinite(figure.value_or(NAN)) && longest > 0.0) {
      // Rounding may take a divergence a little below 0.
      end += kBar * std::max(0.0, *figure) / longest;
      const std::string style =
          std::string("stroke-width=\"14\" stroke=\"") + cli::kColours.at(i % cli::kColours.size()) + "\"";
      svg.line(left, y - 4.0, end, y - 4.0, style.c_str());
    }
    svg.text(end + 6.0, y, figure.has_value() ? panel.text_of(*figure) : "baseline", "");
  }
}

}  // namespace

std::string plot_svg(const EvalReport& report) {
  cli::SvgDrawing svg;
  size_t letters = 0;
  for (const Checkpoint& each : report.checkpoints) letters = std::max(letters, name_of(each).size());
  std::string title;
  if (report.has_text()) title += report.work.text->path().string();
  if (report.has_questions()) title += (title.empty() ? "" : ", ") + report.plan.questions->string();
  svg.text(kLeft, 28.0, title, "font-size=\"16\" font-weight=\"bold\"");
  double y = kTop + kSubtitle + kRow;
  for (const Checkpoint& each : report.checkpoints) {
    svg.text(kLeft, y, name_of(each), "");
    y += kRow;
  }
  double left = kLeft + kLetter * static_cast<double>(letters) + kGap;
  for (const Panel& panel : panels_of(report)) {
    draw_panel(svg, left, report, panel);
    left += kBar + kFigure + kGap;
  }
  return svg.document(left, y + kRow / 2.0);
}

}  // namespace caravan::eval
