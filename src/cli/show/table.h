// Tables for people: numbers of few digits, in columns.
// Thread safety: value types.
#pragma once

#include <iomanip>
#include <optional>
#include <sstream>
#include <string>

namespace caravan::cli {

/// `value` with about four digits, or "-".
std::string number_text(std::optional<double> value);

/// A line of a table, column by column.
class TableLine {
 public:
  TableLine& left(const std::string& text, int width) {
    out_ << std::left << std::setw(width) << text;
    return *this;
  }
  TableLine& right(const std::string& text, int width) {
    out_ << std::right << std::setw(width) << text;
    return *this;
  }
  [[nodiscard]] std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

}  // namespace caravan::cli
