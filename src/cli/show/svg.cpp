#include "cli/show/svg.h"

#include <iomanip>

namespace caravan::cli {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char each : text) {
    if (each == '&') {
      out += "&amp;";
    } else if (each == '<') {
      out += "&lt;";
    } else if (each == '>') {
      out += "&gt;";
    } else if (each == '"') {
      out += "&quot;";
    } else {
      out += each >= ' ' && each <= '~' ? each : '?';
    }
  }
  return out;
}

SvgDrawing::SvgDrawing() { out_ << std::fixed << std::setprecision(1); }

void SvgDrawing::line(double x1, double y1, double x2, double y2, const char* style) {
  out_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2 << "\" " << style
       << "/>\n";
}

void SvgDrawing::text(double x, double y, const std::string& text, const char* style) {
  out_ << "<text x=\"" << x << "\" y=\"" << y << "\" " << style << ">" << escaped(text) << "</text>\n";
}

void SvgDrawing::text_upwards(double x, double y, const std::string& text) {
  out_ << "<text transform=\"translate(" << x << " " << y << ") rotate(-90)\" text-anchor=\"middle\">"
       << escaped(text) << "</text>\n";
}

void SvgDrawing::path(const std::vector<std::pair<double, double>>& points, const char* colour,
                      LineStyle style) {
  out_ << "<polyline fill=\"none\" stroke=\"" << colour << "\" stroke-width=\"2\""
       << (style == LineStyle::kDashed ? " stroke-dasharray=\"6 4\" stroke-opacity=\"0.8\"" : "")
       << " points=\"";
  for (const auto& [x, y] : points) out_ << x << "," << y << " ";
  out_ << "\"/>\n";
  if (style != LineStyle::kMarked) return;
  for (const auto& [x, y] : points)
    out_ << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"3.5\" fill=\"" << colour << "\"/>\n";
}

std::string SvgDrawing::document(double width, double height) const {
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
      << "\" viewBox=\"0 0 " << width << " " << height
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
      << out_.str() << "</svg>\n";
  return out.str();
}

}  // namespace caravan::cli
