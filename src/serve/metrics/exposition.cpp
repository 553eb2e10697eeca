#include "serve/metrics/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

namespace caravan::serve {

namespace {

/// In a label's value \, " and newline are escaped; in a HELP line, \ and newline.
std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
  return out;
}

/// With a point always ("1.0", not "1"), as vLLM's client and Prometheus 3 write bounds: `le` compares as
/// text.
std::string bound_text(double bound) {
  std::array<char, 64> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), bound, std::chars_format::fixed);
  std::string text(digits.data(), end.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

}  // namespace

std::string sample_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 64> digits{};
  // Whole numbers without an exponent, as people read them; 2^53 is the last that a double counts up to.
  const bool whole = std::nearbyint(value) == value && std::abs(value) <= 9007199254740992.0;
  const auto end =
      whole ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<int64_t>(value))
            : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end.ptr};
}

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + escaped(help, false) + "\n";
  text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
}

void Exposition::line(std::string_view suffix, const Labels& labels, double value) {
  text_ += name_;
  text_ += suffix;
  for (size_t i = 0; i < labels.size(); ++i) {
    text_ += (i == 0 ? "{" : ",") + labels[i].first + "=\"" + escaped(labels[i].second, true) + "\"";
  }
  if (!labels.empty()) text_ += "}";
  text_ += " " + sample_number(value) + "\n";
}

void Exposition::sample(const Labels& labels, double value) { line("", labels, value); }

void Exposition::samples(const Labels& labels, const Histogram& histogram) {
  uint64_t below = 0;
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    below += histogram.counts()[i];
    Labels with_bound = labels;
    with_bound.emplace_back("le", i < histogram.bounds().size() ? bound_text(histogram.bounds()[i]) : "+Inf");
    line("_bucket", with_bound, static_cast<double>(below));
  }
  line("_sum", labels, histogram.sum());
  line("_count", labels, static_cast<double>(histogram.count()));
}

}  // namespace caravan::serve
