// What a KServe v2 server tells of itself.
#include <gmock/gmock.h>

#include "serve/kserve/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::get;
using test::post;

http::Response response_of(const std::string& path, const ServerStatus& status = {}) {
  return test::response_of(kserve_dialect(), get(path), status);
}

TEST(KserveServer, NamesItself) {
  EXPECT_EQ(response_of("/v2").body,
            R"({"name":"caravan","version":"1.2.3","extensions":["generate","model_configuration",)"
            R"("binary_tensor_data"]})");
}

TEST(KserveHealth, TellsHealthyBusyAndStuckApart) {
  ServerStatus busy;
  busy.ready = false;
  ServerStatus stuck;
  stuck.live = false;
  EXPECT_EQ(response_of("/v2/health/live").status, 200);
  EXPECT_EQ(response_of("/v2/health/live").body, R"({"live":true})");
  EXPECT_EQ(response_of("/v2/health/ready").body, R"({"ready":true})");
  EXPECT_EQ(response_of("/v2/health/live", busy).status, 200);
  EXPECT_EQ(response_of("/v2/health/ready", busy).status, 503);
  EXPECT_EQ(response_of("/v2/models/demo/ready", busy).status, 503);
  EXPECT_EQ(response_of("/v2/health/live", stuck).status, 500);
  EXPECT_EQ(response_of("/v2/health/ready", stuck).status, 500);
  EXPECT_EQ(response_of("/v2/models/demo/ready").body, R"({"name":"demo","ready":true})");
}

TEST(KserveModel, ListsItsTensors) {
  EXPECT_EQ(response_of("/v2/models/demo").body,
            R"({"name":"demo","versions":["1"],"platform":"caravan","inputs":[{"name":"text_input",)"
            R"("datatype":"BYTES","shape":[-1]},{"name":"input0","datatype":"UINT32","shape":[-1]}],)"
            R"("outputs":[{"name":"text_output","datatype":"BYTES","shape":[-1]},{"name":"output0",)"
            R"("datatype":"UINT32","shape":[-1]}]})");
  EXPECT_EQ(response_of("/v2/models/demo/versions/1").body, response_of("/v2/models/demo").body);
}

TEST(KserveModel, RefusesOthersEverywhere) {
  for (const char* path :
       {"/v2/models/x", "/v2/models/x/ready", "/v2/models/x/config", "/v2/models/x/getSlotCount",
        "/v2/models/demo/versions/2", "/v2/models/demo/versions/2/ready"}) {
    const http::Response response = response_of(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(response.body, testing::StartsWith(R"({"error":"Request for unknown model: )")) << path;
  }
  for (const char* path : {"/v2/models/x/infer", "/v2/models/x/generate", "/v2/models/x/generate_stream",
                           "/v2/models/x/stopInfer"}) {
    EXPECT_EQ(test::response_of(kserve_dialect(), post(path, "{}")).status, 404) << path;
  }
}

TEST(KserveModel, HasItsConfigInMindiesWords) {
  EXPECT_EQ(response_of("/v2/models/demo/config").body,
            R"({"model_name":"demo","input_datatype":"UINT32","output_datatype":"UINT32","max_seq_len":64,)"
            R"("npu_mem_size":0,"cpu_mem_size":0,"world_size":1,"model_weight_path":"demo",)"
            R"("model_instance_type":"Standard"})");
}

TEST(KserveModel, CountsItsFreeSlots) {
  ServerStatus status;
  status.running = 3;
  status.free_blocks = 7;
  EXPECT_EQ(response_of("/v2/models/demo/getSlotCount", status).body,
            R"({"total_slots":8,"free_slots":5,"available_tokens_length":112})");
}

TEST(KserveFailure, HasTritonsShapeAndCodes) {
  EXPECT_EQ(kserve_failure({FailureKind::kInvalid, "why", "", ""}).body,
            R"({"error":"why","error_type":"Input Validation Error"})");
  const std::vector<std::pair<FailureKind, int>> cases = {
      {FailureKind::kMalformed, 400}, {FailureKind::kInvalid, 400},    {FailureKind::kUnauthorized, 401},
      {FailureKind::kForbidden, 403}, {FailureKind::kNotFound, 404},   {FailureKind::kMethod, 405},
      {FailureKind::kTooLarge, 413},  {FailureKind::kOverloaded, 429}, {FailureKind::kUnavailable, 503},
      {FailureKind::kTimeout, 424},   {FailureKind::kGeneration, 424}, {FailureKind::kInternal, 500}};
  for (const auto& [kind, status] : cases) EXPECT_EQ(kserve_failure({kind, "why", "", ""}).status, status);
}

}  // namespace
}  // namespace caravan::serve
