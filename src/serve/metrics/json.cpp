#include "serve/metrics/json.h"

#include <algorithm>

#include "base/statistics.h"
#include "serve/metrics/exposition.h"

namespace caravan::serve {

namespace {

Json count_and_sum(const Histogram& histogram) {
  return {{"count", histogram.count()}, {"sum", histogram.sum()}};
}

Json with_quantiles(const Histogram& histogram, const RecentValues& recent) {
  Json json = count_and_sum(histogram);
  const auto add = [&](const char* name, double fraction) {
    json[name] = recent.empty() ? Json(nullptr) : Json(quantile(recent.values(), fraction));
  };
  add("p50", 0.5);
  add("p90", 0.9);
  add("p99", 0.99);
  return json;
}

double recent_milliseconds(const RecentValues& recent) {
  return recent.empty() ? 0.0 : 1000.0 * mean_of(recent.values());
}

Json mindie_result(const ServerMetrics& metrics, const std::string& instance) {
  Json result = Json::array();
  const auto add = [&](const char* name, double value) {
    const Json labels = {{"__name__", name}, {"job", "node"}, {"instance", instance}};
    result.push_back({{"metric", Json::array({labels})}, {"value", sample_number(value)}});
  };
  add("TTFT", recent_milliseconds(metrics.recent_first_token_seconds));
  add("TBT", recent_milliseconds(metrics.recent_time_per_output_token));
  add("waitingInferRequestNum", static_cast<double>(metrics.engine.waiting));
  add("processingInferRequestNum", static_cast<double>(metrics.engine.running));
  add("remainBlocks", static_cast<double>(metrics.engine.total_blocks - metrics.engine.used_blocks));
  return result;
}

Json requests_json(const ServerMetrics& metrics) {
  Json finished = Json::object();
  for (size_t i = 0; i < kFinishedReasons; ++i)
    finished[std::string(finished_reason_name(static_cast<FinishedReason>(i)))] = metrics.finished[i];
  return {{"running", metrics.engine.running}, {"waiting", metrics.engine.waiting}, {"finished", finished}};
}

Json caravan_json(const ServerMetrics& metrics) {
  const EngineFigures& engine = metrics.engine;
  const ProcessFigures& process = metrics.process;
  Json json = Json::object();
  json["model"] = metrics.model_name;
  json["version"] = metrics.version;
  json["time"] = process.now_seconds;
  json["uptime"] = std::max(0.0, process.now_seconds - process.start_seconds);
  json["requests"] = requests_json(metrics);
  json["kv"] = {{"block_tokens", engine.block_tokens},
                {"total_blocks", engine.total_blocks},
                {"used_blocks", engine.used_blocks},
                {"cached_blocks", engine.cached_blocks},
                {"usage", engine.kv_usage()}};
  json["prefix_cache"] = {{"query_tokens", engine.prefix_query_tokens},
                          {"hit_tokens", engine.prefix_hit_tokens}};
  json["tokens"] = {{"prompt", metrics.prompt_tokens},
                    {"prompt_cached", metrics.cached_prompt_tokens},
                    {"prompt_computed", metrics.computed_prompt_tokens},
                    {"generated", metrics.generated_tokens}};
  json["preemptions"] = engine.preemptions;
  json["ttft"] = with_quantiles(metrics.first_token_seconds, metrics.recent_first_token_seconds);
  json["tpot"] = with_quantiles(metrics.time_per_output_token, metrics.recent_time_per_output_token);
  json["inter_token"] = count_and_sum(metrics.inter_token_seconds);
  json["queue"] = count_and_sum(metrics.queue_seconds);
  json["step"] = count_and_sum(metrics.step_seconds);
  json["step_host"] = count_and_sum(metrics.step_host_seconds);
  json["step_network"] = count_and_sum(metrics.step_network_seconds);
  json["guided_mask"] = count_and_sum(metrics.guided_mask_seconds);
  json["server"] = {{"connections", metrics.server.connections},
                    {"open_streams", metrics.server.open_streams},
                    {"resident_bytes", process.resident_bytes},
                    {"cpu_seconds", process.cpu_seconds}};
  return json;
}

}  // namespace

Json render_json(const ServerMetrics& metrics, const std::string& instance) {
  Json json = Json::object();
  json["resultType"] = "vector";
  json["result"] = mindie_result(metrics, instance);
  json["caravan"] = caravan_json(metrics);
  return json;
}

}  // namespace caravan::serve
