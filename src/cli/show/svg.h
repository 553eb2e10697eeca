// What the program's drawings have in common: colours, text that is safe inside XML, and a drawing to add to.
// Thread safety: value types.
#pragma once

#include <array>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace caravan::cli {

/// Okabe and Ito's colours, which people with any colour vision can tell apart, without the yellow that white
/// paper swallows.
constexpr std::array<const char*, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#e69f00", "#000000"};

/// `text` as an element's content or an attribute's value. A byte of a file's name may be anything; XML must
/// be UTF-8 without control characters, so that all but printable ASCII becomes "?".
std::string escaped(const std::string& text);

enum class LineStyle : uint8_t {
  kMarked,  ///< with a dot at each point
  kPlain,
  kDashed,
};

/// An SVG drawing, in pixels from the upper left corner.
class SvgDrawing {
 public:
  SvgDrawing();
  /// `style` holds attributes.
  void line(double x1, double y1, double x2, double y2, const char* style);
  void text(double x, double y, const std::string& text, const char* style);
  /// `text` around (x, y), read from below.
  void text_upwards(double x, double y, const std::string& text);
  void path(const std::vector<std::pair<double, double>>& points, const char* colour, LineStyle style);
  /// The whole file.
  [[nodiscard]] std::string document(double width, double height) const;

 private:
  std::ostringstream out_;
};

}  // namespace caravan::cli
