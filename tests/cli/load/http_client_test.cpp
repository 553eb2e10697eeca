// The client of a load by itself: what it tells, and when.
#include "cli/load/http_client.h"

#include <gtest/gtest.h>

#include <future>

#include "cli/load/fake_server.h"

namespace caravan::load {
namespace {

using test::FakeServer;

/// Keeps the promise once the body holds what is waited for.
class WaitsFor : public HttpExchange {
 public:
  WaitsFor(std::string text, std::promise<void>& seen) : text_(std::move(text)), seen_(&seen) {}
  void on_head(int status, std::string_view /*content_type*/) override { EXPECT_EQ(status, 200); }
  bool on_body(std::string_view bytes) override {
    body += bytes;
    if (seen_ != nullptr && body.find(text_) != std::string::npos) std::exchange(seen_, nullptr)->set_value();
    return true;
  }
  void on_end() override { ended = true; }
  void on_failure(HttpFailure /*failure*/, const std::string& message) override { ADD_FAILURE() << message; }

  std::string body;
  bool ended = false;

 private:
  std::string text_;
  std::promise<void>* seen_;
};

/// The second event of a stream is sent once the client has told of the first.
void expect_each_event_at_once(FakeServer::Security security) {
  std::promise<void> seen;
  std::future<void> first_came = seen.get_future();
  const FakeServer server(
      [&first_came](const test::SeenRequest&) {
        test::Reply reply = test::stream_reply({"first", "second"});
        reply.parts.at(2).before = [&first_came] {
          // Longer than any machine takes; a client that keeps the event back never tells.
          EXPECT_EQ(first_came.wait_for(std::chrono::minutes(2)), std::future_status::ready);
        };
        return reply;
      },
      security);
  boost::asio::io_context io;
  const auto exchange = std::make_shared<WaitsFor>("data: first\n\n", seen);
  HttpClient client(io, parse_url("--url", server.url()), {.api_key = "", .verify_tls = false});
  client.start({.method = "GET", .path = "/", .body = "", .timeout_s = 600.0}, exchange);
  io.run();
  EXPECT_TRUE(exchange->ended);
  EXPECT_EQ(exchange->body, "data: first\n\ndata: second\n\ndata: [DONE]\n\n");
}

TEST(HttpClient, TellsOfAChunkWithoutWaitingForTheNext) {
  expect_each_event_at_once(FakeServer::Security::kClear);
}

TEST(HttpClient, TellsOfAChunkThatComesThroughTlsWithoutWaitingForTheNext) {
  expect_each_event_at_once(FakeServer::Security::kSelfSigned);
}

}  // namespace
}  // namespace caravan::load
