// The answer of a health probe that generates a token. Thread safety: it belongs to its request.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

/// 200 {"status": "healthy"} where a token came, else 503 with a reason.
class HealthProbe final : public Answer {
 public:
  explicit HealthProbe(int64_t seconds) : seconds_(seconds) {}

  std::string event(const ChoiceEvent& /*event*/) override { return {}; }
  std::string end(const std::vector<GenerationResult>& /*results*/) override { return {}; }
  std::string failed(const Failure& /*failure*/) override { return {}; }
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  int64_t seconds_;
};

}  // namespace caravan::serve
