#include "serve/mindie/management.h"

#include <algorithm>

#include "serve/api/body.h"
#include "serve/api/prompt.h"
#include "serve/mindie/dialect.h"
#include "serve/mindie/health_probe.h"

namespace caravan::serve {

namespace {

/// The answer of a server that takes no requests any more, or whose engine is stuck; nothing from a healthy
/// one.
std::optional<http::Response> unhealthy(const ServerStatus& status) {
  if (status.draining) {
    return mindie_failure({FailureKind::kUnavailable, "The service has been stopped.", "", ""});
  }
  if (!status.live) return http::Response{503, "application/json", "", {}};
  return std::nullopt;
}

/// The KV cache's blocks are under the names that MindIE has for the device's; there is no second pool to
/// swap to.
Json status_json(const Context& context) {
  const ServerStatus& status = context.status;
  const int64_t slots = std::max<int64_t>(context.model.max_sequences - status.running, 0);
  return {{"service", {{"roleStatus", "RoleReady"}, {"currentRole", "none"}}},
          {"resource",
           {{"availSlotsNum", slots},
            {"availBlockNum", status.free_blocks},
            {"waitingRequestNum", status.waiting},
            {"runningRequestNum", status.running},
            {"swappedRequestNum", 0},
            {"freeNpuBlockNums", status.free_blocks},
            {"freeCpuBlockNums", 0},
            {"totalNpuBlockNums", status.total_blocks},
            {"totalCpuBlockNums", 0}}},
          {"linkStatus", {{"peers", Json::array()}}}};
}

}  // namespace

Outcome mindie_stop_service(const http::Request& request, const PathValues& /*values*/,
                            const Context& /*context*/) {
  // A page that somebody on this machine has open could ask for this path, too; browsers say so.
  const bool from_a_page = request.headers.find("Sec-Fetch-Site").value_or("none") != "none" ||
                           request.headers.find("Origin").has_value();
  if (!request.authorized && (!request.from_loopback || from_a_page)) {
    throw RequestError({FailureKind::kForbidden,
                        "only a client on this machine, or one with an API key, may stop the server", "",
                        ""});
  }
  const auto mode = request.query.find("mode");
  if (mode != request.query.end() && mode->second != "Force") {
    throw RequestError({FailureKind::kInvalid,
                        "\"mode\" is " + in_quotes(mode->second) + ", expected \"Force\", or nothing", "mode",
                        ""});
  }
  return StopServer{mode != request.query.end(), {200, "application/json", "", {}}};
}

Outcome mindie_config(const http::Request& /*request*/, const PathValues& /*values*/,
                      const Context& context) {
  const ModelView& model = context.model;
  return json_response({{"modelName", model.name},
                        {"maxSeqLen", model.max_context},
                        {"npuMemSize", 0},
                        {"cpuMemSize", 0},
                        {"worldSize", 1},
                        {"maxOutputLen", model.max_context - 1},
                        {"cacheBlockSize", model.block_size}});
}

Outcome mindie_status_v1(const http::Request& /*request*/, const PathValues& /*values*/,
                         const Context& context) {
  if (const auto answer = unhealthy(context.status)) return *answer;
  return json_response(status_json(context));
}

Outcome mindie_status_v2(const http::Request& /*request*/, const PathValues& /*values*/,
                         const Context& context) {
  if (const auto answer = unhealthy(context.status)) return *answer;
  Json body = status_json(context);
  Json& resource = body["resource"];
  resource["totalAvailNpuSlotsNum"] = resource["availSlotsNum"];
  resource["totalAvailNpuBlockNum"] = context.status.free_blocks;
  resource["dpInstMap"] = {{"0", context.status.free_blocks}};
  resource["maxAvailNpuBlockNum"] = context.status.free_blocks;
  return json_response(body);
}

Outcome mindie_tokenizer(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  const auto inputs = fields.string("inputs");
  if (!inputs || inputs->empty()) fields.wrong("inputs", "a text");
  const bool decode = fields.boolean("do_decode").value_or(true);
  const std::vector<int32_t> ids = encode_text(context.model, *inputs, true, "inputs");
  Json tokens = Json::array();
  if (decode) {
    for (const int32_t id : ids) tokens.push_back(token_bytes(context.model, id));
  }
  return json_response({{"token_number", ids.size()}, {"tokens", std::move(tokens)}});
}

}  // namespace caravan::serve
