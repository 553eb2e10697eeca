// The two ways in which something can be wrong, never mixed (docs/architecture.md, "Errors").
//
// Error: a user, a file or the network got something wrong. Its message is one sentence that names the file,
// flag or
//   field, what was found, and what would be right. The command line prints it and exits with code 2.
// CARAVAN_CHECK: only a bug in Caravan can make it fail. It prints both values and aborts. Nothing that a
// file or a
//   request can contain may reach one.
// Thread safety: all free functions, safe from any thread.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace caravan {

/// What a user, a file or the network got wrong, as one sentence.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error whose message is all `parts`, streamed one after the other.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Error(message.str());
}

/// `text` in double quotes for an error message: control characters and bytes that are not UTF-8 are shown as
/// \xNN, and what is longer than 80 bytes is cut with "…".
std::string in_quotes(const std::string& text);

namespace detail {
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& values);

template <typename A, typename B>
std::string both_values(const A& a, const B& b) {
  std::ostringstream out;
  out << a << " and " << b;
  return out.str();
}
}  // namespace detail

}  // namespace caravan

// Macros because a check must name its own file, line and expression.
#define CARAVAN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::caravan::detail::check_failed(__FILE__, __LINE__, #condition, ""))
#define CARAVAN_CHECK_EQ(a, b)                                                      \
  (((a) == (b)) ? static_cast<void>(0)                                              \
                : ::caravan::detail::check_failed(__FILE__, __LINE__, #a " == " #b, \
                                                  ::caravan::detail::both_values(a, b)))
