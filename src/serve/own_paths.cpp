#include "serve/own_paths.h"

#include <algorithm>
#include <array>

#include "serve/api/body.h"
#include "serve/metrics/json.h"
#include "serve/metrics/prometheus.h"
#include "serve/page/page.h"

namespace caravan::serve {

namespace {

bool reads(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

http::Response answer_asset(const http::Request& request, const page::Asset& asset) {
  http::Response response;
  response.content_type = asset.content_type;
  for (const auto& [name, value] : page::kPageHeaders) response.headers.emplace_back(name, value);
  response.headers.emplace_back("ETag", asset.etag);
  if (request.headers.find("If-None-Match") == std::string(asset.etag)) {
    response.status = 304;
  } else {
    response.body = asset.bytes;
  }
  return response;
}

}  // namespace

std::optional<http::Response> answer_own_path(const http::Request& request, const ServerMetrics& metrics,
                                              const std::string& address) {
  if (!reads(request)) return std::nullopt;
  if (request.path == "/metrics") {
    ServerMetrics now = metrics;
    now.process = read_process_figures();
    return http::Response{200, "text/plain; version=0.0.4; charset=utf-8", render_prometheus(now), {}};
  }
  if (request.path == "/metrics-json") {
    ServerMetrics now = metrics;
    now.process = read_process_figures();
    return json_response(render_json(now, address));
  }
  if (const auto asset = page::find_asset(request.path)) return answer_asset(request, *asset);
  return std::nullopt;
}

bool is_own_path(const std::string& path) {
  return path == "/metrics" || path == "/metrics-json" || page::find_asset(path).has_value();
}

bool is_open_path(const http::Request& request) {
  constexpr std::array<std::string_view, 7> kOpen = {"/health",         "/ready",           "/version", "/v2",
                                                     "/v2/health/live", "/v2/health/ready", "/ping"};
  if (request.method == "OPTIONS") return true;
  if (!reads(request)) return false;
  return std::find(kOpen.begin(), kOpen.end(), request.path) != kOpen.end() || is_own_path(request.path);
}

}  // namespace caravan::serve
