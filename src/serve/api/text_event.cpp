#include "serve/api/text_event.h"

#include <algorithm>

namespace caravan::serve {

namespace {

/// Whether JSON has `character` as it is in a string, without a look at its neighbours.
bool stands_for_itself(char character) {
  return character >= ' ' && character <= '~' && character != '"' && character != '\\';
}

}  // namespace

TextEvent::TextEvent(Json body, const Json::json_pointer& place) {
  body[place] = "";
  const std::string empty = sse_event(body);
  body[place] = "x";
  const std::string filled = sse_event(body);
  // The first byte that differs is the string's first.
  const auto first = std::mismatch(empty.begin(), empty.end(), filled.begin()).first;
  before_.assign(empty.begin(), first);
  after_.assign(first, empty.end());
}

std::string TextEvent::with(std::string_view text) const {
  if (!std::all_of(text.begin(), text.end(), stands_for_itself)) {
    const std::string quoted = json_text(Json(std::string(text)));
    return before_ + quoted.substr(1, quoted.size() - 2) + after_;
  }
  std::string event;
  event.reserve(before_.size() + text.size() + after_.size());
  return event.append(before_).append(text).append(after_);
}

}  // namespace caravan::serve
