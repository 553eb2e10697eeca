// Server-sent events, from bytes as they arrive (WHATWG HTML, section 9.2.6 "Interpreting an event stream").
//
// Bytes may be cut anywhere. Lines end with CR LF, LF or CR; a line that begins with a colon is a comment;
// several data lines of one event are joined by LF; a byte order mark at the start is skipped; an event that
// the stream does not end with an empty line is incomplete and never comes. Thread safety: value types.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace caravan::load {

struct SseEvent {
  std::string name;  ///< the "event" field; empty where there was none
  std::string data;
};

class SseParser {
 public:
  /// Takes the stream's next bytes and calls `event` for each event that they complete. Throws Error if an
  /// event is larger than kMaxEventBytes.
  void feed(std::string_view bytes, const std::function<void(const SseEvent&)>& event);

  /// Whether bytes were fed after the last complete event, beside comments and empty lines.
  [[nodiscard]] bool in_event() const { return has_data_ || !line_.empty() || !current_.name.empty(); }

  /// No server's chunk is near it.
  static constexpr size_t kMaxEventBytes = size_t{16} << 20U;

 private:
  void end_line(const std::function<void(const SseEvent&)>& event);
  void take_field(std::string_view name, std::string_view value);

  std::string line_;
  SseEvent current_;
  bool has_data_ = false;
  bool after_return_ = false;  ///< the last byte was a CR: an LF that follows belongs to it
  bool at_start_ = true;       ///< in the first line, which may begin with a byte order mark
};

}  // namespace caravan::load
