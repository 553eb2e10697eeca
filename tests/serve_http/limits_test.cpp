// What the server answers itself, and how long it waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "serve_http/running_server.h"

namespace caravan::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::echo;
using test::Held;
using test::Reply;
using test::request_text;
using test::RunningServer;
using testing::HasSubstr;

/// The refusal of `text`: its status; the connection must end after it.
int refused_with(RunningServer& server, const std::string& text) {
  const auto client = server.client();
  client->send(text);
  const Reply reply = client->reply();
  EXPECT_TRUE(reply.complete) << text.substr(0, 80);
  EXPECT_EQ(reply.header("Connection"), "close");
  EXPECT_EQ(reply.header("X-Request-Id").size(), 32U);
  EXPECT_THAT(reply.body, HasSubstr("\"message\""));
  EXPECT_TRUE(client->ended());
  return reply.status;
}

TEST(Limits, RefuseMalformedRequests) {
  RunningServer server(echo);
  EXPECT_EQ(refused_with(server, "nonsense\r\n\r\n"), 400);
  EXPECT_EQ(refused_with(server, request_text("GET", "/%zz")), 400);
  EXPECT_EQ(refused_with(server, "GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused_with(server, request_text("GET", "/", "Transfer-Encoding: gzip\r\n")), 501);
  EXPECT_EQ(refused_with(server, request_text("GET", "/", "Expect: tea\r\n")), 417);
}

TEST(Limits, RefuseLargeHeadersAndBodies) {
  ServerOptions options;
  options.max_header_bytes = 1000;
  options.max_body_bytes = 1000;
  RunningServer server(echo, options);
  EXPECT_EQ(refused_with(server, request_text("GET", "/", "A: " + std::string(1000, 'x') + "\r\n")), 431);
  EXPECT_EQ(refused_with(server, request_text("POST", "/", "", std::string(1001, 'x'))), 413);
  EXPECT_EQ(server.ask(request_text("POST", "/", "", std::string(1000, 'x'))).status, 200);
  // Before the client sends what would be refused.
  EXPECT_EQ(
      refused_with(server, request_text("POST", "/", "Expect: 100-continue\r\nContent-Length: 9999\r\n")),
      413);
}

TEST(Limits, LetAClientSeeTheRefusalWhileItStillSends) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  RunningServer server(echo, options);
  const auto client = server.client();
  // More than any buffer holds: the client is in the middle of sending when it is refused.
  EXPECT_TRUE(client->send(request_text("POST", "/", "", std::string(size_t{30} << 20U, 'x'))));
  EXPECT_EQ(client->reply().status, 413);
}

TEST(Limits, SurviveGarbage) {
  RunningServer server(echo);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string garbage(random() % 300, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random());
    const auto client = server.client();
    client->send(i % 2 == 0 ? garbage : "POST / HTTP/1.1\r\nHost: t\r\n" + garbage);
    client->shut_output();
    while (!client->receive().empty()) continue;
  }
  EXPECT_EQ(server.ask(request_text("GET", "/")).status, 200);
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
}

TEST(Limits, ReportARequestThatEndsInTheMiddle) {
  RunningServer server(echo);
  const auto client = server.client();
  client->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab");
  client->shut_output();
  EXPECT_EQ(client->reply().status, 400);
  EXPECT_TRUE(client->ended());
}

TEST(Limits, UseTheOwnersWordsForErrors) {
  ServerOptions options;
  options.error_body = [](int status, const std::string& message) {
    return Response{status, "text/plain", "own: " + message, {}};
  };
  RunningServer server(echo, options);
  EXPECT_THAT(server.ask(request_text("GET", "/%zz")).body, testing::StartsWith("own: the request's target"));
}

TEST(TimeOuts, EndRequestsThatTrickle) {
  ServerOptions options;
  options.read_timeout = 200ms;
  RunningServer server(echo, options);
  const auto client = server.client();
  // One byte at a time never lets the connection fall silent.
  const std::string text = request_text("GET", "/", "A: " + std::string(200, 'x') + "\r\n");
  size_t sent = 0;
  while (sent < text.size() && client->silent_for(10ms)) client->send(text.substr(sent++, 1));
  EXPECT_LT(sent, text.size());
  EXPECT_EQ(client->reply().status, 408);
  EXPECT_TRUE(client->ended());
}

TEST(TimeOuts, EndBodiesThatStall) {
  ServerOptions options;
  options.read_timeout = 100ms;
  RunningServer server(echo, options);
  const auto client = server.client();
  client->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(client->reply().status, 408);
}

TEST(TimeOuts, CloseSilentConnectionsWithoutAWord) {
  ServerOptions options;
  options.read_timeout = 100ms;
  options.idle_timeout = 100ms;
  RunningServer server(echo, options);
  const auto never = server.client();
  EXPECT_TRUE(never->ended());
  const auto kept = server.client();
  kept->send(request_text("GET", "/"));
  EXPECT_EQ(kept->reply().status, 200);
  EXPECT_TRUE(kept->ended());
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
}

TEST(TimeOuts, DoNotTouchAHandlerThatThinks) {
  ServerOptions options;
  options.read_timeout = options.idle_timeout = options.write_timeout = 50ms;
  Held held;
  RunningServer server(held.handler(false), options);
  const auto client = server.client();
  client->send(request_text("GET", "/"));
  EXPECT_TRUE(client->silent_for(300ms));
  server.on_io([&] { held.responders.at(0)->send({200, "", "late", {}}); });
  EXPECT_EQ(client->reply().body, "late");
}

TEST(TimeOuts, CutOffClientsThatTakeNothing) {
  ServerOptions options;
  options.write_timeout = 200ms;
  RunningServer server(
      [](const Request& /*request*/, const std::shared_ptr<Responder>& responder) {
        responder->send({200, "", std::string(size_t{30} << 20U, 'x'), {}});
      },
      options);
  const auto client = server.client(4096);
  client->send(request_text("GET", "/"));
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 1; }));
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
  EXPECT_FALSE(client->reply().complete);
}

TEST(TimeOuts, LetSlowClientsTakeTheirTime) {
  ServerOptions options;
  options.write_timeout = 400ms;
  RunningServer server(
      [](const Request& /*request*/, const std::shared_ptr<Responder>& responder) {
        responder->send({200, "", std::string(size_t{3} << 20U, 'x'), {}});
      },
      options);
  const auto client = server.client(32768);
  client->send(request_text("GET", "/"));
  const auto begin = std::chrono::steady_clock::now();
  size_t received = 0;
  while (received < (size_t{3} << 20U)) {
    const std::string more = client->receive(32768);
    if (more.empty()) break;
    received += more.size();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_GE(received, size_t{3} << 20U);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, options.write_timeout);
}

TEST(Connections, OverTheLimitAreToldSo) {
  ServerOptions options;
  options.max_connections = 2;
  RunningServer server(echo, options);
  auto first = server.client();
  const auto second = server.client();
  for (Client* client : {first.get(), second.get()}) {
    client->send(request_text("GET", "/"));
    EXPECT_EQ(client->reply().status, 200);
  }
  const auto third = server.client();
  third->send(request_text("GET", "/"));
  const Reply reply = third->reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "1");
  EXPECT_EQ(reply.header("Connection"), "close");
  EXPECT_TRUE(third->ended());
  first->close();
  EXPECT_TRUE(test::eventually([&] { return server.ask(request_text("GET", "/")).status == 200; }));
}

}  // namespace
}  // namespace caravan::http
