// Streamed answers, and clients that do not stay to their end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_http/running_server.h"

namespace caravan::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::Held;
using test::Reply;
using test::request_text;
using test::RunningServer;

/// Waits until `count` requests are held, or clients gone.
bool reaches(RunningServer& server, const std::function<size_t()>& value, size_t count) {
  return test::eventually([&] {
    size_t seen = 0;
    server.on_io([&] { seen = value(); });
    return seen >= count;
  });
}

TEST(Stream, SendsEachPieceAsItComes) {
  Held held;
  RunningServer server(held.handler(true));
  const auto client = server.client();
  client->send(request_text("GET", "/"));
  const Reply head = client->reply_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Type"), "text/event-stream");
  for (const char* piece : {"data: 1\n\n", "data: 2\n\n"}) {
    server.on_io([&] { held.responders[0]->write(piece); });
    EXPECT_EQ(client->next_chunk(), piece);
  }
  server.on_io([&] {
    held.responders[0]->write("a");
    held.responders[0]->write("");
    held.responders[0]->write("b");
    EXPECT_GT(held.responders[0]->queued_bytes(), 0U);
    held.responders[0]->finish();
  });
  EXPECT_EQ(client->next_chunk(), "a");
  EXPECT_EQ(client->next_chunk(), "b");
  EXPECT_EQ(client->next_chunk(), "");
  server.on_io([&] { EXPECT_EQ(held.responders[0]->queued_bytes(), 0U); });
  EXPECT_EQ(held.gone, 0U);
}

TEST(Stream, IsFollowedByTheNextRequest) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->start({200, "text/plain", "", {}});
    responder->write(request.path);
    responder->finish();
  });
  const auto client = server.client();
  client->send(request_text("GET", "/1") + request_text("GET", "/2"));
  EXPECT_EQ(client->reply().body, "/1");
  EXPECT_EQ(client->reply().body, "/2");
}

TEST(Stream, EndsWithTheConnectionForHttp10) {
  RunningServer server([](const Request& /*request*/, const std::shared_ptr<Responder>& responder) {
    responder->start({200, "text/plain", "", {}});
    responder->write("a");
    responder->write("b");
    responder->finish();
  });
  const Reply reply = server.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.body, "ab");
  EXPECT_EQ(reply.header("Transfer-Encoding"), "(none)");
  EXPECT_EQ(reply.header("Connection"), "close");
}

TEST(Gone, IsToldHoweverTheClientLeaves) {
  const std::vector<void (*)(Client&)> ways = {[](Client& client) { client.close(); },
                                               [](Client& client) { client.reset(); },
                                               [](Client& client) { client.shut_output(); }};
  for (const bool streams : {true, false}) {
    Held held;
    RunningServer server(held.handler(streams));
    for (size_t way = 0; way < ways.size(); ++way) {
      const auto client = server.client();
      client->send(request_text("GET", "/"));
      ASSERT_TRUE(reaches(
          server, [&] { return held.requests.size(); }, way + 1));
      ways[way](*client);
      EXPECT_TRUE(reaches(
          server, [&] { return held.gone; }, way + 1))
          << way;
    }
    server.on_io([&] {
      EXPECT_EQ(held.gone, ways.size());
      for (const auto& responder : held.responders) {
        // Nothing of this reaches anybody, nor hurts.
        if (!streams) responder->start({});
        responder->write("x");
        EXPECT_EQ(responder->queued_bytes(), 0U);
        responder->finish();
      }
      EXPECT_EQ(server->connections(), 0U);
    });
  }
}

TEST(Gone, IsSeenBehindAPipelinedRequest) {
  Held held;
  RunningServer server(held.handler(true));
  const auto client = server.client();
  client->send(request_text("GET", "/1") + request_text("GET", "/2"));
  ASSERT_TRUE(reaches(
      server, [&] { return held.requests.size(); }, 1));
  client->close();
  EXPECT_TRUE(reaches(
      server, [&] { return held.gone; }, 1));
  EXPECT_EQ(held.requests.size(), 1U);
}

TEST(Gone, IsToldToThoseWhoAskAfterwards) {
  std::shared_ptr<Responder> kept;
  size_t gone = 0;
  RunningServer server(
      [&](const Request& /*request*/, const std::shared_ptr<Responder>& responder) { kept = responder; });
  const auto client = server.client();
  client->send(request_text("GET", "/"));
  ASSERT_TRUE(reaches(
      server, [&] { return kept ? 1U : 0U; }, 1));
  client->reset();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
  server.on_io([&] {
    kept->on_gone([&] { ++gone; });
    EXPECT_EQ(gone, 0U);  // not from within the call
  });
  EXPECT_TRUE(reaches(
      server, [&] { return gone; }, 1));
  server.on_io([&] { kept.reset(); });
}

TEST(Gone, IsNotToldAfterTheAnswer) {
  Held held;
  RunningServer server(held.handler(false));
  const auto client = server.client();
  client->send(request_text("GET", "/"));
  ASSERT_TRUE(reaches(
      server, [&] { return held.requests.size(); }, 1));
  std::weak_ptr<int> captured;
  server.on_io([&] {
    auto value = std::make_shared<int>(1);
    captured = value;
    held.responders[0]->on_gone([&held, value] { ++held.gone; });
    held.responders[0]->send({200, "", "x", {}});
  });
  EXPECT_TRUE(captured.expired());
  EXPECT_EQ(client->reply().body, "x");
  client->close();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
  EXPECT_EQ(held.gone, 0U);
}

/// Writes pieces of 64 KB to `responder` every millisecond until `stopped`.
void write_on(RunningServer& server, const std::shared_ptr<Responder>& responder, const bool& stopped) {
  if (stopped) return;
  responder->write(std::string(size_t{64} << 10U, 'x'));
  server->post_after(1ms, [&server, responder, &stopped] { write_on(server, responder, stopped); });
}

TEST(SlowReader, IsCutOffAndDelaysNobody) {
  ServerOptions options;
  options.max_queued_bytes = size_t{1} << 20U;
  Held held;
  bool stopped = false;
  RunningServer server(held.handler(true), options);
  const auto slow = server.client(4096);
  slow->send(request_text("GET", "/slow"));
  ASSERT_TRUE(reaches(
      server, [&] { return held.requests.size(); }, 1));
  const auto fast = server.client();
  fast->send(request_text("GET", "/fast"));
  ASSERT_TRUE(reaches(
      server, [&] { return held.requests.size(); }, 2));
  server.on_io([&] {
    held.responders[1]->on_gone([&] { ADD_FAILURE() << "the fast reader was cut off"; });
    write_on(server, held.responders[0], stopped);
  });
  EXPECT_EQ(fast->reply_head().status, 200);
  for (int i = 0; i < 50; ++i) {
    server.on_io([&] { held.responders[1]->write("data"); });
    ASSERT_EQ(fast->next_chunk(), "data");
  }
  EXPECT_TRUE(reaches(
      server, [&] { return held.gone; }, 1));
  server.on_io([&] {
    stopped = true;
    EXPECT_EQ(held.responders[0]->queued_bytes(), 0U);
    held.responders[1]->finish();
  });
  EXPECT_EQ(fast->next_chunk(), "");
}

TEST(SlowReader, IsCutOffWhenItTakesNothingForTooLong) {
  ServerOptions options;
  options.write_timeout = 200ms;
  Held held;
  RunningServer server(held.handler(true), options);
  const auto client = server.client(4096);
  client->send(request_text("GET", "/"));
  ASSERT_TRUE(reaches(
      server, [&] { return held.requests.size(); }, 1));
  server.on_io([&] { held.responders[0]->write(std::string(size_t{4} << 20U, 'x')); });
  EXPECT_TRUE(reaches(
      server, [&] { return held.gone; }, 1));
}

}  // namespace
}  // namespace caravan::http
