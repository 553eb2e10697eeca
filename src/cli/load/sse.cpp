#include "cli/load/sse.h"

#include "base/error.h"

namespace caravan::load {

void SseParser::feed(std::string_view bytes, const std::function<void(const SseEvent&)>& event) {
  while (!bytes.empty()) {
    if (after_return_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_return_ = false;
    const size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + current_.data.size() > kMaxEventBytes)
      fail("the stream has an event of more than ", kMaxEventBytes, " bytes, expected less");
    if (end == std::string_view::npos) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(event);
  }
}

void SseParser::end_line(const std::function<void(const SseEvent&)>& event) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view line = line_;
  if (at_start_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (line.empty()) {
    // An event without data is none.
    if (has_data_) event(current_);
    current_ = {};
    has_data_ = false;
  } else if (const size_t colon = line.find(':'); colon != 0) {
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) current_.data += '\n';
    current_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    current_.name = value;
  }
  // "id" and "retry" are for reconnecting, and other names are ignored: so says the specification.
}

}  // namespace caravan::load
