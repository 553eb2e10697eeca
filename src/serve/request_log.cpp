#include "serve/request_log.h"

#include <array>
#include <cstdio>

#include "base/log.h"

namespace caravan::serve {

namespace {

std::string milliseconds(double seconds) {
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.1f", seconds * 1e3));
  return text.data();
}

}  // namespace

std::string request_line(const CallOrigin& origin, const RequestFigures& figures, int64_t cached_tokens) {
  std::string line =
      "request id=" + origin.id + " path=" + origin.path +
      " prompt=" + std::to_string(figures.prompt_tokens) + " cached=" + std::to_string(cached_tokens) +
      " output=" + std::to_string(figures.output_tokens) + " queue_ms=" + milliseconds(figures.queue_seconds);
  if (figures.first_token_seconds.has_value()) {
    line += " ttft_ms=" + milliseconds(*figures.first_token_seconds);
    const int64_t gaps = figures.output_tokens / std::max<int64_t>(1, figures.candidates) - 1;
    if (gaps > 0) {
      const double rest = figures.total_seconds - *figures.first_token_seconds;
      line += " tpot_ms=" + milliseconds(rest / static_cast<double>(gaps));
    }
  }
  return line + " total_ms=" + milliseconds(figures.total_seconds) +
         " finish=" + std::string(finished_reason_name(figures.reason));
}

void log_request(const CallOrigin& origin, const RequestFigures& figures, int64_t cached_tokens) {
  if (log_level() <= LogLevel::kInfo) log(LogLevel::kInfo, request_line(origin, figures, cached_tokens));
}

void log_refusal(const CallOrigin& origin, const Failure& failure) {
  log(LogLevel::kInfo, "request id=", origin.id, " path=", origin.path,
      " refused=", in_quotes(failure.message));
}

}  // namespace caravan::serve
