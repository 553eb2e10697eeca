// A server-sent event that a stream sends for each token, with nothing but one string changed.
//
// Most of what such an event says is the same each time; it is worded once, and the text put into it. The
// bytes are those of sse_event() over the whole. Thread safety: a value type.
#pragma once

#include <string>
#include <string_view>

#include "serve/api/body.h"

namespace caravan::serve {

class TextEvent {
 public:
  /// `place`: of the string in `body` that changes.
  TextEvent(Json body, const Json::json_pointer& place);

  [[nodiscard]] std::string with(std::string_view text) const;

 private:
  std::string before_;  ///< up to the string's first character
  std::string after_;   ///< from its closing quotation mark
};

}  // namespace caravan::serve
