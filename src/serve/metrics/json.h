// The metrics as JSON, which GET /metrics-json answers.
//
// The top is MindIE's, with its names and its numbers as strings (hiascend.com, "服务指标接口(JSON格式)"):
//   {"resultType": "vector",
//    "result": [{"metric": [{"__name__": "TTFT", "job": "node", "instance": "127.0.0.1:8000"}], "value":
//    "12.5"}, …],
// where TTFT and TBT (from one token to the next) are means of about the last 1,000 requests, in milliseconds
// (MindIE's page names no unit), waitingInferRequestNum and processingInferRequestNum count requests, and
// remainBlocks the KV blocks that no sequence holds. Beside these stands what the web page reads, with
// numbers as numbers, times in seconds and counts since the start:
//   "caravan": {
//     "model": "…", "version": "…", "time": 1760000000.5 (since 1970), "uptime": 12.5,
//     "requests": {"running", "waiting", "finished": {"stop", "length", "abort", "error"}},
//     "kv": {"block_tokens", "total_blocks", "used_blocks", "cached_blocks", "usage" (0 to 1)},
//     "prefix_cache": {"query_tokens", "hit_tokens"},
//     "tokens": {"prompt", "prompt_cached", "prompt_computed", "generated"},
//     "preemptions": 0,
//     "ttft": {"count", "sum", "p50", "p90", "p99"}, "tpot": {the same},
//     "inter_token": {"count", "sum"}, "queue": {"count", "sum"}, "step": {"count", "sum"},
//     "step_host": {"count", "sum"}, "step_network": {"count", "sum"},
//     "guided_mask": {"count", "sum"},
//     "server": {"connections", "open_streams", "resident_bytes", "cpu_seconds"}}}
// Quantiles are of the last 1,000 values, null where there are none.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "base/json.h"
#include "serve/metrics/metrics.h"

namespace caravan::serve {

/// `instance` is the server's address, "127.0.0.1:8000".
Json render_json(const ServerMetrics& metrics, const std::string& instance);

}  // namespace caravan::serve
