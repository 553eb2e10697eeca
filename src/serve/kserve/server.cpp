#include "serve/kserve/server.h"

#include <algorithm>
#include <filesystem>

#include "serve/api/body.h"

namespace caravan::serve {

namespace {

/// A healthy server is live and ready, a busy one live, and one whose engine is stuck neither (MindIE's
/// statuses 200, 503 and 500).
int ready_code(const ServerStatus& status) {
  if (!status.live) return 500;
  return status.ready && !status.draining ? 200 : 503;
}

Json tensor(std::string_view name, const char* datatype) {
  return {{"name", name}, {"datatype", datatype}, {"shape", Json::array({-1})}};
}

}  // namespace

void require_model(const PathValues& values, const ModelView& model) {
  const std::string& name = values.at("model");
  if (name != model.name) {
    throw RequestError(
        {FailureKind::kNotFound,
         "Request for unknown model: " + in_quotes(name) + " is not found, expected \"" + model.name + "\"",
         "model", "model_not_found"});
  }
  const auto version = values.find("version");
  if (version == values.end() || version->second == kModelVersion) return;
  throw RequestError({FailureKind::kNotFound,
                      "Request for unknown model: \"" + name + "\" version " + in_quotes(version->second) +
                          " is not found, expected \"" + std::string(kModelVersion) + "\"",
                      "version", "model_not_found"});
}

Outcome kserve_server(const http::Request& /*request*/, const PathValues& /*values*/,
                      const Context& context) {
  return json_response({{"name", "caravan"},
                        {"version", context.model.version},
                        {"extensions", {"generate", "model_configuration", "binary_tensor_data"}}});
}

Outcome kserve_live(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  return json_response({{"live", context.status.live}}, context.status.live ? 200 : 500);
}

Outcome kserve_ready(const http::Request& /*request*/, const PathValues& /*values*/, const Context& context) {
  const int code = ready_code(context.status);
  return json_response({{"ready", code == 200}}, code);
}

Outcome kserve_model(const http::Request& /*request*/, const Context& context) {
  return json_response(
      {{"name", context.model.name},
       {"versions", {kModelVersion}},
       {"platform", "caravan"},
       {"inputs", Json::array({tensor(kTextInput, "BYTES"), tensor(kTokenInput, "UINT32")})},
       {"outputs", Json::array({tensor(kTextOutput, "BYTES"), tensor(kTokenOutput, "UINT32")})}});
}

Outcome kserve_model_ready(const http::Request& /*request*/, const Context& context) {
  const int code = ready_code(context.status);
  return json_response({{"name", context.model.name}, {"ready", code == 200}}, code);
}

Outcome kserve_config(const http::Request& /*request*/, const Context& context) {
  const ModelView& model = context.model;
  return json_response({{"model_name", model.name},
                        {"input_datatype", "UINT32"},
                        {"output_datatype", "UINT32"},
                        {"max_seq_len", model.max_context},
                        {"npu_mem_size", 0},
                        {"cpu_mem_size", 0},
                        {"world_size", 1},
                        {"model_weight_path", std::filesystem::path(model.path).filename().string()},
                        {"model_instance_type", "Standard"}});
}

Outcome kserve_slot_count(const http::Request& /*request*/, const Context& context) {
  const ModelView& model = context.model;
  return json_response({{"total_slots", model.max_sequences},
                        {"free_slots", std::max<int64_t>(model.max_sequences - context.status.running, 0)},
                        {"available_tokens_length", context.status.free_blocks * model.block_size}});
}

}  // namespace caravan::serve
