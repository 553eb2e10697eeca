// The paths by which MindIE's managers look after a server.
#include <gmock/gmock.h>

#include "serve/mindie/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::get;
using test::post;

http::Response response_of(const std::string& path, const ServerStatus& status = {}) {
  return test::response_of(mindie_dialect(), get(path), status);
}

ServerStatus busy() {
  ServerStatus status;
  status.running = 3;
  status.waiting = 2;
  status.free_blocks = 7;
  status.total_blocks = 10;
  return status;
}

ServerStatus draining() {
  ServerStatus status;
  status.draining = true;
  return status;
}

ServerStatus stuck() {
  ServerStatus status;
  status.live = false;
  return status;
}

TEST(MindieHealthTimed, GeneratesATokenWithinTheTime) {
  const Call call = test::call_of(mindie_dialect(), get("/health/timed-30"));
  const Generation& generation = call.generations.at(0);
  EXPECT_EQ(generation.max_output, 1);
  EXPECT_TRUE(generation.ignore_eos);
  EXPECT_EQ(generation.timeout_seconds, 30.0);
  EXPECT_EQ(test::call_of(mindie_dialect(), get("/health/timed")).generations.at(0).timeout_seconds, 10.0);
}

TEST(MindieHealthTimed, SaysWhetherItCame) {
  const Call call = test::call_of(mindie_dialect(), get("/health/timed-30"));
  GenerationResult result;
  result.choices = {test::choice({test::token(100, " upon")}, Ending::kLength)};
  const http::Response well = call.answer->whole({result});
  EXPECT_EQ(well.status, 200);
  EXPECT_EQ(well.body, R"({"status":"healthy"})");
  result.choices = {test::choice({}, Ending::kTimeout)};
  const http::Response ill = call.answer->whole({result});
  EXPECT_EQ(ill.status, 503);
  EXPECT_EQ(ill.body, R"({"error":"no token came within 30 seconds","error_type":"Service Unavailable"})");
}

TEST(MindieHealthTimed, RefusesOtherTimesAndPaths) {
  for (const char* path : {"/health/timed-0", "/health/timed-601", "/health/timed-1000", "/health/timed-x",
                           "/health/timed-", "/health/other"}) {
    EXPECT_EQ(response_of(path).status, 404) << path;
  }
}

TEST(MindieHealthTimed, IsWellWhileTheServerDrains) {
  EXPECT_EQ(response_of("/health/timed", draining()).body, R"({"status":"healthy"})");
}

TEST(MindieStopService, DrainsUnlessForced) {
  http::Request request = get("/stopService");
  request.from_loopback = true;
  EXPECT_FALSE(std::get<StopServer>(test::ask(mindie_dialect(), request)).force);
  request.query["mode"] = "Force";
  const auto stop = std::get<StopServer>(test::ask(mindie_dialect(), request));
  EXPECT_TRUE(stop.force);
  EXPECT_EQ(stop.answer.status, 200);
  request.query["mode"] = "force";
  EXPECT_EQ(test::response_of(mindie_dialect(), request).status, 422);
}

TEST(MindieStopService, NeedsThisMachineOrAKey) {
  http::Request request = get("/stopService");
  EXPECT_EQ(test::response_of(mindie_dialect(), request).status, 403);
  request.authorized = true;
  EXPECT_TRUE(std::holds_alternative<StopServer>(test::ask(mindie_dialect(), request)));
}

TEST(MindieStopService, IsNotForPagesInABrowserOnThisMachine) {
  http::Request request = get("/stopService");
  request.from_loopback = true;
  request.headers.add("Sec-Fetch-Site", "cross-site");
  EXPECT_EQ(test::response_of(mindie_dialect(), request).status, 403);
  http::Request fetched = get("/stopService");
  fetched.from_loopback = true;
  fetched.headers.add("Origin", "http://example.org");
  EXPECT_EQ(test::response_of(mindie_dialect(), fetched).status, 403);
}

TEST(MindieConfig, IsTheModelsLimits) {
  EXPECT_EQ(
      response_of("/v1/config").body,
      R"({"modelName":"demo","maxSeqLen":64,"npuMemSize":0,"cpuMemSize":0,"worldSize":1,"maxOutputLen":63,)"
      R"("cacheBlockSize":16})");
}

TEST(MindieStatus, CountsRequestsAndBlocks) {
  EXPECT_EQ(response_of("/v1/status", busy()).body,
            R"({"service":{"roleStatus":"RoleReady","currentRole":"none"},"resource":{"availSlotsNum":5,)"
            R"("availBlockNum":7,"waitingRequestNum":2,"runningRequestNum":3,"swappedRequestNum":0,)"
            R"("freeNpuBlockNums":7,"freeCpuBlockNums":0,"totalNpuBlockNums":10,"totalCpuBlockNums":0},)"
            R"("linkStatus":{"peers":[]}})");
  const Json v2 = Json::parse(response_of("/v2/status", busy()).body);
  EXPECT_EQ(v2["resource"]["totalAvailNpuSlotsNum"], 5);
  EXPECT_EQ(v2["resource"]["totalAvailNpuBlockNum"], 7);
  EXPECT_EQ(v2["resource"]["maxAvailNpuBlockNum"], 7);
  EXPECT_EQ(v2["resource"]["dpInstMap"]["0"], 7);
}

TEST(MindieStatus, IsUnavailableWhereTheServerStopsOrIsStuck) {
  for (const char* path : {"/v1/status", "/v2/status"}) {
    const http::Response stopping = response_of(path, draining());
    EXPECT_EQ(stopping.status, 503);
    EXPECT_EQ(stopping.body,
              R"({"error":"The service has been stopped.","error_type":"Service Unavailable"})");
    EXPECT_EQ(response_of(path, stuck()).status, 503);
  }
}

TEST(MindieTokenizer, CountsTokensAndShowsThem) {
  const http::Response response =
      test::response_of(mindie_dialect(), post("/v1/tokenizer", R"({"inputs": "Once upon"})"));
  const Json body = Json::parse(response.body);
  EXPECT_EQ(body["token_number"], test::demo_tokenizer().encode("Once upon").size());
  EXPECT_EQ(body["tokens"].size(), body["token_number"]);
  EXPECT_EQ(body["tokens"][0], "<|begin_of_text|>");
  std::string all;
  for (size_t i = 1; i < body["tokens"].size(); ++i) all += body["tokens"][i].get<std::string>();
  EXPECT_EQ(all, "Once upon");
}

TEST(MindieTokenizer, OnlyCountsWithoutDecoding) {
  const http::Response response = test::response_of(
      mindie_dialect(), post("/v1/tokenizer", R"({"inputs": "Once upon", "do_decode": false})"));
  EXPECT_THAT(response.body, testing::EndsWith(R"("tokens":[]})"));
}

TEST(MindieTokenizer, RefusesWhatIsNoText) {
  for (const char* body :
       {"{}", R"({"inputs": ""})", R"({"inputs": 3})", R"({"inputs": "a", "do_decode": 1})", "x"}) {
    EXPECT_EQ(test::response_of(mindie_dialect(), post("/v1/tokenizer", body)).status, 422) << body;
  }
}

}  // namespace
}  // namespace caravan::serve
