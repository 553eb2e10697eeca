// A chunk of a streamed completion, as /v1/completions and /v1/chat/completions send it.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan::load {

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

struct StreamChunk {
  /// It brings output: text, or a choice without text that neither opens nor ends the answer (a token whose
  /// text the server holds back until its UTF-8 is whole).
  bool has_output = false;
  bool finished = false;             ///< a choice has its finish_reason
  std::optional<Usage> usage;        ///< stream_options.include_usage
  std::optional<std::string> error;  ///< what the server says went wrong in the midst of the stream
};

/// Reads one event's data. Throws Error if it is no such chunk.
StreamChunk parse_stream_chunk(std::string_view data);

/// What the body of an answer with an error status says: the message inside, or the start of the text.
std::string error_message_of(std::string_view body);

}  // namespace caravan::load
