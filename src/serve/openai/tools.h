// The functions that a chat may call: `tools`, `tool_choice` and `parallel_tool_calls`.
// Thread safety: value types and pure functions.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "serve/api/body.h"
#include "text/grammar/guide_spec.h"

namespace caravan::serve::openai {

struct ToolUse {
  const Json* shown = nullptr;     ///< the tools, in the request, for the chat template; none to see: nullptr
  std::set<std::string> callable;  ///< names to look for in the answer; none: the answer is text
  bool one_only = false;           ///< parallel_tool_calls is false
  /// Where a call is demanded (tool_choice "required" or a function's name): a schema of the whole answer,
  /// either a call {"name", "parameters"} or a list of them.
  std::optional<GuideSpec> guide;
};

/// Throws RequestError naming the field that is wrong.
ToolUse read_tools(const Fields& fields);

}  // namespace caravan::serve::openai
