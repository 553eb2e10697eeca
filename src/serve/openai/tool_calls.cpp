#include "serve/openai/tool_calls.h"

#include <array>
#include <utility>

namespace caravan::serve::openai {

namespace {

constexpr std::string_view kPythonTag = "<|python_tag|>";
constexpr std::string_view kOpenTag = "<tool_call>";
constexpr std::string_view kCloseTag = "</tool_call>";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

ToolCallParser::ToolCallParser(std::set<std::string> names, bool one_only)
    : names_(std::move(names)), one_only_(one_only) {}

std::vector<ToolDelta> ToolCallParser::push(std::string_view text) {
  for (const char c : text) step(c);
  return std::exchange(deltas_, {});
}

std::vector<ToolDelta> ToolCallParser::finish() {
  held_ += std::exchange(marker_, {});
  // Between and after calls only space and separators may be held without being text.
  if (calls_ == 0 || held_.find_first_not_of(" \t\r\n;") != std::string::npos) add_content(held_);
  held_.clear();
  return std::exchange(deltas_, {});
}

void ToolCallParser::step(char c) {
  switch (place_) {
    case Place::kStart:
      return at_start(c);
    case Place::kText:
      if (c == '<') return begin_marker();
      return add_content({&c, 1});
    case Place::kMarker:
      return in_marker(c);
    case Place::kBeforeCall:
      return before_call(c);
    case Place::kInCall:
      return in_call(c);
    case Place::kAfterCall:
      return after_call(c);
  }
}

void ToolCallParser::at_start(char c) {
  if (is_space(c)) {
    held_ += c;
  } else if (c == '<') {
    begin_marker();
  } else {
    before_call(c);
  }
}

void ToolCallParser::begin_marker() {
  marker_ = "<";
  place_ = Place::kMarker;
}

void ToolCallParser::in_marker(char c) {
  marker_ += c;
  for (const std::string_view marker : {kPythonTag, kOpenTag, kCloseTag}) {
    // The closing marker means something only where one is open.
    if (!marker.starts_with(marker_) || (marker == kCloseTag && !in_tag_)) continue;
    if (marker.size() > marker_.size()) return;
    held_ += std::exchange(marker_, {});
    place_ = marker == kCloseTag ? Place::kAfterCall : Place::kBeforeCall;
    if (marker == kCloseTag) held_.clear();
    in_tag_ = marker == kOpenTag;
    in_list_ = false;
    return;
  }
  marker_.pop_back();
  held_ += std::exchange(marker_, {});
  release(c);
}

void ToolCallParser::before_call(char c) {
  if (is_space(c)) {
    held_ += c;
    place_ = Place::kBeforeCall;
  } else if (c == '{') {
    begin_call();
  } else if (c == '[' && !in_list_) {
    in_list_ = true;
    held_ += c;
    place_ = Place::kBeforeCall;
  } else {
    release(c);
  }
}

void ToolCallParser::begin_call() {
  held_ += '{';
  announced_ = false;
  scanner_.emplace(names_);
  place_ = Place::kInCall;
}

void ToolCallParser::in_call(char c) {
  const CallScanner::Result result = scanner_->push(c);
  if (scanner_->started()) {
    held_.clear();
    add_call_parts();
  } else if (result != CallScanner::Result::kNot) {
    held_ += c;
  }
  if (result == CallScanner::Result::kNot) return release(c);
  if (result == CallScanner::Result::kDone) place_ = Place::kAfterCall;
}

void ToolCallParser::after_call(char c) {
  if (c == '<') return begin_marker();
  if (in_list_ && c == ']') {
    in_list_ = false;
    held_.clear();
  } else if (is_space(c)) {
    held_ += c;
  } else if (c == (in_list_ ? ',' : ';')) {
    held_ += c;
    place_ = Place::kBeforeCall;
  } else if (c == '{' && !in_list_) {
    begin_call();
  } else {
    release(c);
  }
}

void ToolCallParser::release(char c) {
  add_content(std::exchange(held_, {}));
  in_list_ = in_tag_ = false;
  place_ = Place::kText;
  step(c);
}

void ToolCallParser::add_content(std::string_view text) {
  if (text.empty()) return;
  if (deltas_.empty() || deltas_.back().call) deltas_.emplace_back();
  deltas_.back().content += text;
}

void ToolCallParser::add_call_parts() {
  if (!announced_) {
    announced_ = true;
    ++calls_;
    if (!one_only_ || calls_ == 1) deltas_.push_back({{}, calls_ - 1, scanner_->name(), {}});
  }
  const std::string arguments = scanner_->take_arguments();
  if (arguments.empty() || (one_only_ && calls_ > 1)) return;
  const size_t index = calls_ - 1;
  if (deltas_.empty() || deltas_.back().call != index || !deltas_.back().name.empty())
    deltas_.push_back({{}, index, {}, {}});
  deltas_.back().arguments += arguments;
}

}  // namespace caravan::serve::openai
