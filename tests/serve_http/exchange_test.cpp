// Requests and answers over real connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_http/running_server.h"

namespace caravan::http {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::Held;
using test::Reply;
using test::request_text;
using test::RunningServer;
using testing::HasSubstr;

TEST(Exchange, AnswersWithWhatTheHandlerSends) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    EXPECT_EQ(request.peer, "127.0.0.1");
    EXPECT_TRUE(request.from_loopback);
    responder->send({418, "text/x", request.headers.find("accept").value_or(""), {{"X-Own", "yes"}}});
  });
  const Reply reply = server.ask(request_text("GET", "/", "Accept: tea\r\n"));
  EXPECT_EQ(reply.status, 418);
  EXPECT_EQ(reply.body, "tea");
  EXPECT_EQ(reply.header("Content-Type"), "text/x");
  EXPECT_EQ(reply.header("X-Own"), "yes");
  EXPECT_EQ(reply.header("Server"), "(none)");
}

TEST(Exchange, DecodesPathAndQuery) {
  RunningServer server(echo);
  EXPECT_EQ(server.ask(request_text("GET", "/a%20b?x=%26+1")).body, "GET /a b\nx=& 1\n");
  EXPECT_EQ(server.ask(request_text("GET", "http://other/abs?x")).body, "GET /abs\nx=\n");
  EXPECT_EQ(server.ask(request_text("OPTIONS", "*")).body, "OPTIONS *\n");
}

TEST(Exchange, KeepsTheConnectionForTheNextRequest) {
  RunningServer server(echo);
  const auto client = server.client();
  for (int i = 0; i < 3; ++i) {
    client->send(request_text("POST", "/" + std::to_string(i), "", "body"));
    EXPECT_EQ(client->reply().body, "POST /" + std::to_string(i) + "\nbody");
  }
  EXPECT_EQ(server->connections(), 1U);
}

TEST(Exchange, AnswersPipelinedRequestsInOrder) {
  RunningServer server(echo);
  const auto client = server.client();
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += request_text("POST", "/" + std::to_string(i), "", std::string(100, 'x'));
  client->send(all);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(client->reply().body, "POST /" + std::to_string(i) + "\n" + std::string(100, 'x'));
  }
}

TEST(Exchange, HoldsAPipelinedRequestUntilTheFirstIsAnswered) {
  Held held;
  RunningServer server(held.handler(false));
  const auto client = server.client();
  client->send(request_text("GET", "/1") + request_text("GET", "/2"));
  const auto count = [&](size_t expected) {
    return test::eventually([&] {
      size_t seen = 0;
      server.on_io([&] { seen = held.requests.size(); });
      return seen == expected;
    });
  };
  EXPECT_TRUE(count(1));
  EXPECT_TRUE(client->silent_for(50ms));
  server.on_io([&] {
    EXPECT_EQ(held.requests.size(), 1U);
    held.responders[0]->send({200, "", "one", {}});
  });
  EXPECT_EQ(client->reply().body, "one");
  EXPECT_TRUE(count(2));
  server.on_io([&] { held.responders[1]->send({200, "", held.requests[1].path, {}}); });
  EXPECT_EQ(client->reply().body, "/2");
  EXPECT_EQ(held.gone, 0U);
}

TEST(Exchange, ClosesWhereTheClientOrTheHandlerAsksForIt) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->send({200, "", "x", {{"Connection", request.path == "/end" ? "close" : "keep-alive"}}});
  });
  for (const std::string& text : {request_text("GET", "/", "Connection: close\r\n"),
                                  request_text("GET", "/end"), std::string("GET / HTTP/1.0\r\n\r\n")}) {
    const auto client = server.client();
    client->send(text);
    const Reply reply = client->reply();
    EXPECT_EQ(reply.body, "x");
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_TRUE(client->ended());
  }
}

TEST(Exchange, KeepsHttp10ClientsThatAskForIt) {
  RunningServer server(echo);
  const auto client = server.client();
  for (int i = 0; i < 2; ++i) {
    client->send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Reply reply = client->reply();
    EXPECT_EQ(reply.body, "GET /\n");
    EXPECT_EQ(reply.header("Connection"), "keep-alive");
  }
}

TEST(Exchange, AnswersHeadAsGetWithoutTheBody) {
  Held held;
  RunningServer server([&](const Request& request, const std::shared_ptr<Responder>& responder) {
    if (request.path != "/stream") return echo(request, responder);
    responder->start({200, "text/plain", "", {}});
    responder->write("unseen");
    responder->finish();
  });
  const auto client = server.client();
  client->send(request_text("HEAD", "/a"));
  const Reply reply = client->reply(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Length"), "7");
  client->send(request_text("HEAD", "/stream"));
  EXPECT_EQ(client->reply(true).header("Transfer-Encoding"), "chunked");
  client->send(request_text("GET", "/b"));
  EXPECT_EQ(client->reply().body, "GET /b\n");
}

TEST(Exchange, ReadsChunkedBodies) {
  RunningServer server(echo);
  const auto client = server.client();
  client->send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  EXPECT_TRUE(client->silent_for(20ms));
  client->send("lo\r\n7\r\n world!\r\n0\r\n\r\n" + request_text("GET", "/next"));
  EXPECT_EQ(client->reply().body, "POST /\nhello world!");
  EXPECT_EQ(client->reply().body, "GET /next\n");
}

TEST(Exchange, TellsClientsThatWaitToContinue) {
  RunningServer server(echo);
  const auto client = server.client();
  const std::string head = request_text("POST", "/", "Expect: 100-continue\r\nContent-Length: 4\r\n");
  client->send(head);
  EXPECT_EQ(client->reply().status, 100);
  client->send("body");
  EXPECT_EQ(client->reply().body, "POST /\nbody");
  // Whoever does not wait needs not be told.
  client->send(head + "body");
  EXPECT_EQ(client->reply().status, 200);
}

TEST(Exchange, ReadsLargeBodiesAndSendsThemBack) {
  RunningServer server(echo);
  const std::string body(size_t{5} << 20U, 'x');
  EXPECT_EQ(server.ask(request_text("POST", "/", "", body)).body, "POST /\n" + body);
}

TEST(Exchange, ReturnsTheRequestsId) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->send({200, "", request.id, {}});
  });
  const Reply own = server.ask(request_text("GET", "/", "x-request-id: abc-1\r\n"));
  EXPECT_EQ(own.body, "abc-1");
  EXPECT_EQ(own.header("X-Request-Id"), "abc-1");
  const Reply made = server.ask(request_text("GET", "/", "X-Request-Id: " + std::string(129, 'x') + "\r\n"));
  EXPECT_EQ(made.body.size(), 32U);
  EXPECT_EQ(made.header("X-Request-Id"), made.body);
  EXPECT_NE(server.ask(request_text("GET", "/")).body, made.body);
}

TEST(Cors, IsOffUnlessAnOriginIsGiven) {
  RunningServer server(echo);
  const Reply reply = server.ask(
      request_text("OPTIONS", "/v1", "Origin: https://a\r\nAccess-Control-Request-Method: POST\r\n"));
  EXPECT_EQ(reply.body, "OPTIONS /v1\n");
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "(none)");
}

TEST(Cors, AnswersPreflightsAndMarksAnswers) {
  ServerOptions options;
  options.cors_origin = "https://a";
  RunningServer server(echo, options);
  const Reply preflight = server.ask(request_text("OPTIONS", "/v1",
                                                  "Origin: https://a\r\nAccess-Control-Request-Method: "
                                                  "POST\r\nAccess-Control-Request-Headers: x-own\r\n"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "https://a");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Headers"), "x-own");
  EXPECT_THAT(preflight.header("Access-Control-Allow-Methods"), HasSubstr("POST"));
  EXPECT_EQ(server.ask(request_text("GET", "/")).header("Access-Control-Allow-Origin"), "https://a");
  EXPECT_EQ(server.ask("GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n").header("Access-Control-Allow-Origin"),
            "https://a");
  EXPECT_EQ(server.ask(request_text("OPTIONS", "/plain")).body, "OPTIONS /plain\n");
}

TEST(Handlers, ThatThrowOrForgetAreAnsweredFor) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    if (request.path == "/stream") {
      responder->start({});
      responder->write("part");
    }
    if (request.path != "/forget") throw std::runtime_error("secret");
  });
  const auto client = server.client();
  for (const char* path : {"/throw", "/forget"}) {
    client->send(request_text("GET", path));
    const Reply reply = client->reply();
    EXPECT_EQ(reply.status, 500);
    EXPECT_THAT(reply.body, testing::AllOf(HasSubstr("internal error"), testing::Not(HasSubstr("secret"))));
  }
  client->send(request_text("GET", "/stream"));
  EXPECT_FALSE(client->reply().complete);
}

TEST(Handlers, CannotSendBrokenHeaders) {
  RunningServer server([](const Request& /*request*/, const std::shared_ptr<Responder>& responder) {
    responder->send({200, "", "x", {{"A", "b\r\nEvil: 1"}}});
  });
  const Reply reply = server.ask(request_text("GET", "/"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.header("Evil"), "(none)");
}

}  // namespace
}  // namespace caravan::http
