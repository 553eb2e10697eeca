#include "cli/show/svg.h"

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

}  // namespace caravan::cli
