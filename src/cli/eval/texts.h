// The texts that perplexity is measured on: one plain text, or JSON Lines with one text in each row.
//
// Invariants: the file is mapped and every row was checked when it was opened, so that next() finds nothing
// wrong; rows are read one at a time, so that JSON Lines may be larger than memory. Thread safety: one
// thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"

namespace caravan::eval {

/// The row's field `name`, by which figures are grouped; empty where it has none. Throws Error on "all",
/// which stands for all groups together.
std::string group_of(const JsonObject& row, const std::string& name);

struct Text {
  std::string text;
  std::string language;  ///< the row's "language"; empty where it has none
  std::string where;     ///< for messages: "stories.jsonl, line 3"
};

/// A row of JSON Lines. Throws Error, beginning with `where`, on what is none.
Text text_row(std::string_view line, const std::string& where);

class TextFile {
 public:
  /// Throws Error if the file cannot be read, is empty, or is not what it should be, naming the line.
  explicit TextFile(const std::filesystem::path& path);

  /// JSON Lines: the file begins with "{".
  [[nodiscard]] bool has_rows() const { return has_rows_; }
  /// How many there are.
  [[nodiscard]] int64_t count() const { return count_; }
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

  /// The next text, or nothing after the last.
  std::optional<Text> next();
  /// Begins again with the first.
  void rewind();

 private:
  MappedFile file_;
  std::string_view bytes_;
  bool has_rows_ = false;
  int64_t count_ = 0;
  size_t at_ = 0;  ///< where the next line begins
  int64_t line_ = 0;
};

}  // namespace caravan::eval
