// Finds calls of functions in an answer as it is generated.
//
// Read are: LLaMA 3.1's form, an answer that is {"name": …, "parameters": {…}}, several separated by ";" or
// as a JSON list, after <|python_tag|> or without it; and Hermes', <tool_call>{…}</tool_call> anywhere in the
// text. What may still be a call is held back, and given as text once it is none. Invariants: what comes out
// does not depend on how the answer is cut into pieces; text in the answer that is no call, and no space
// around calls, comes out whole and in order. Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "serve/openai/call_scanner.h"

namespace caravan::serve::openai {

/// What a piece of the answer adds: to the text, or to a call.
struct ToolDelta {
  std::string content;         ///< where `call` is nothing
  std::optional<size_t> call;  ///< the call's index
  std::string name;            ///< of a call that begins; then no arguments yet
  std::string arguments;       ///< a piece of JSON text
};

class ToolCallParser {
 public:
  /// `names` may be called; `one_only`: calls after the first are left out.
  ToolCallParser(std::set<std::string> names, bool one_only);
  ToolCallParser(const ToolCallParser&) = delete;
  ToolCallParser& operator=(const ToolCallParser&) = delete;

  std::vector<ToolDelta> push(std::string_view text);
  /// The answer ends here.
  std::vector<ToolDelta> finish();
  /// How many calls have begun.
  [[nodiscard]] size_t calls() const { return calls_; }

 private:
  enum class Place : uint8_t { kStart, kText, kMarker, kBeforeCall, kInCall, kAfterCall };

  void step(char c);
  void at_start(char c);
  void in_marker(char c);
  void before_call(char c);
  void in_call(char c);
  void after_call(char c);
  void begin_marker();
  void begin_call();
  /// Gives what is held back as text, and goes on in text with `c`.
  void release(char c);
  void add_content(std::string_view text);
  void add_call_parts();

  std::set<std::string> names_;
  bool one_only_;
  Place place_ = Place::kStart;
  std::string held_;    ///< text unless a call follows
  std::string marker_;  ///< the marker as far as it has come
  bool in_list_ = false;
  bool in_tag_ = false;     ///< inside <tool_call>
  bool announced_ = false;  ///< the call that is being read has come out
  std::optional<CallScanner> scanner_;
  size_t calls_ = 0;
  std::vector<ToolDelta> deltas_;
};

}  // namespace caravan::serve::openai
