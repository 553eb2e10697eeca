// How everything below a template reports that the template, or what it was given, is wrong.
//
// A Problem never leaves this folder: Template turns it into a caravan::Error that also names the template
// and the line. Thread safety: free functions, safe from any thread.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace caravan::jinja {

/// One clause without a full stop; `line` (from 1) where the thrower knows it, 0 where only the evaluator
/// does.
struct Problem : std::runtime_error {
  explicit Problem(const std::string& message, int at = 0) : std::runtime_error(message), line(at) {}
  int line;
};

/// Throws a Problem whose message is all `parts`, streamed one after the other.
template <typename... Parts>
[[noreturn]] void problem(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Problem(message.str());
}

/// The same, at a known line.
template <typename... Parts>
[[noreturn]] void problem_at(int line, const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Problem(message.str(), line);
}

}  // namespace caravan::jinja
