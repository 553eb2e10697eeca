#include "cli/eval/texts.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "cli/eval/scores.h"

namespace caravan::eval {

namespace {

/// A plain text is turned into tokens as a whole, because where it is cut changes them; rows have no such
/// limit.
constexpr size_t kMaxPlainText = 1'000'000'000;

}  // namespace

std::string group_of(const JsonObject& row, const std::string& name) {
  std::string group = row.string_or(name, "");
  if (group == kAll) row.wrong(name, "a name that is not \"all\", which stands for all rows");
  return group;
}

Text text_row(std::string_view line, const std::string& where) {
  const Json json = parse_json(line, where);
  const JsonObject object(json, where);
  return {object.string("text"), group_of(object, "language"), where};
}

TextFile::TextFile(const std::filesystem::path& path) : file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  bytes_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  has_rows_ = bytes_.front() == '{';
  if (has_rows_) {
    while (next().has_value()) ++count_;
    rewind();
    return;
  }
  if (bytes_.size() > kMaxPlainText) {
    fail(path.string(), ": has ", bytes_.size(), " bytes, expected at most ", kMaxPlainText,
         " of plain text, or JSON Lines, which may be longer");
  }
  if (const auto invalid = utf8_first_invalid(bytes_))
    fail(path.string(), ": byte ", *invalid, " is not valid UTF-8, expected UTF-8 text");
  count_ = 1;
}

std::optional<Text> TextFile::next() {
  if (at_ >= bytes_.size()) return std::nullopt;
  if (!has_rows_) {
    at_ = bytes_.size();
    return Text{std::string(bytes_), "", path().string()};
  }
  const size_t end = std::min(bytes_.find('\n', at_), bytes_.size());
  const std::string_view line = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  ++line_;
  return text_row(line, path().string() + ", line " + std::to_string(line_));
}

void TextFile::rewind() {
  at_ = 0;
  line_ = 0;
}

}  // namespace caravan::eval
