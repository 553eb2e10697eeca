#include "serve/mindie/health_probe.h"

#include "serve/api/body.h"
#include "serve/api/plain_parameters.h"
#include "serve/api/prompt.h"
#include "serve/mindie/dialect.h"
#include "serve/mindie/management.h"

namespace caravan::serve {

namespace {

constexpr int64_t kDefaultSeconds = 10;
constexpr int64_t kMostSeconds = 600;
constexpr int64_t kFirstPriority = -4;  ///< MindIE's 1, read_plain_parameters() says why

/// Of "/health/timed", and of "/health/timed-30".
int64_t seconds_of(const PathValues& values) {
  const auto found = values.find("timed");
  if (found == values.end()) return kDefaultSeconds;
  const std::string& part = found->second;
  const std::string start = "timed-";
  if (!part.starts_with(start)) {
    throw RequestError({FailureKind::kNotFound, "there is no path /health/" + part, "", ""});
  }
  const std::string digits = part.substr(start.size());
  int64_t seconds = 0;
  if (!digits.empty() && digits.size() <= 3 && digits.find_first_not_of("0123456789") == std::string::npos) {
    seconds = std::stoll(digits);
  }
  if (seconds >= 1 && seconds <= kMostSeconds) return seconds;
  throw RequestError({FailureKind::kNotFound,
                      "the wait time is " + in_quotes(digits) + ", expected whole seconds from 1 to " +
                          std::to_string(kMostSeconds),
                      "", ""});
}

}  // namespace

Outcome mindie_health_timed(const http::Request& /*request*/, const PathValues& values,
                            const Context& context) {
  const int64_t seconds = seconds_of(values);
  // As MindIE does: who only waits for the last texts is well.
  if (context.status.draining) return json_response({{"status", "healthy"}});
  Generation generation;
  generation.prompt_text = "Hello";
  generation.prompt = encode_prompt(context.model, generation.prompt_text, true, "the probe");
  generation.sampling.temperature = 0.0;
  generation.max_output = 1;
  generation.ignore_eos = true;
  generation.priority = kFirstPriority;
  generation.timeout_seconds = static_cast<double>(seconds);
  Call call;
  call.answer = std::make_unique<HealthProbe>(seconds);
  call.generations.push_back(std::move(generation));
  return call;
}

http::Response HealthProbe::whole(const std::vector<GenerationResult>& results) {
  const ChoiceResult& choice = results.front().choices.front();
  if (choice.finish.ending != Ending::kTimeout && !choice.tokens.empty()) {
    return json_response({{"status", "healthy"}});
  }
  return mindie_failure(
      {FailureKind::kUnavailable, "no token came within " + std::to_string(seconds_) + " seconds", "", ""});
}

}  // namespace caravan::serve
