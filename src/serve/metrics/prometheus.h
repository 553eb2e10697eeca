// The metrics in Prometheus' text exposition format 0.0.4, which GET /metrics answers.
//
// vLLM's names (https://docs.vllm.ai, "Production Metrics") where the meaning is the same, so that dashboards
// made for it work; those that it renamed appear under both names. What is ours alone starts with caravan_.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "serve/metrics/metrics.h"

namespace caravan::serve {

constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

/// The whole body. Every sample has the label model_name, but for those of the process and of the server.
std::string render_prometheus(const ServerMetrics& metrics);

}  // namespace caravan::serve
