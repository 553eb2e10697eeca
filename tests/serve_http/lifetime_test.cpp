// Beginning and end of a server, what threads may do, and what the system may refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "serve_http/running_server.h"
#include "support/errors.h"

namespace caravan::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::echo;
using test::Held;
using test::request_text;
using test::RunningServer;
using testing::HasSubstr;

TEST(Server, ListensOnTheHostsAddresses) {
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    ServerOptions options;
    options.host = host;
    RunningServer server(echo, options);
    EXPECT_GT(server->port(), 0);
    EXPECT_EQ(server.ask(request_text("GET", "/")).status, 200) << host;
  }
}

TEST(Server, ListensOnIpv6) {
  if (Client probe; !probe.connect(9, "::1") && errno == EADDRNOTAVAIL)
    GTEST_SKIP() << "this machine has no IPv6";
  for (const char* host : {"::1", "[::1]", "::"}) {
    ServerOptions options;
    options.host = host;
    std::string peer;
    RunningServer server(
        [&](const Request& request, const std::shared_ptr<Responder>& responder) {
          peer = request.peer + (request.from_loopback ? " here" : "");
          responder->send({});
        },
        options);
    Client client;
    ASSERT_TRUE(client.connect(server->port(), "::1"));
    client.send(request_text("GET", "/"));
    EXPECT_EQ(client.reply().status, 200) << host;
    EXPECT_EQ(peer, "::1 here");
    if (std::string(host) != "::") continue;
    EXPECT_EQ(server.ask(request_text("GET", "/")).status, 200);
    EXPECT_EQ(peer, "127.0.0.1 here");
  }
}

TEST(Server, SaysWhereItCannotListen) {
  ServerOptions options;
  options.host = "no.such.host.invalid";
  EXPECT_THAT(test::error_of([&] { Server(options, echo); }), HasSubstr("\"no.such.host.invalid\""));
  options.host = "";
  EXPECT_THAT(test::error_of([&] { Server(options, echo); }), HasSubstr("the host \"\""));
  options.host = "192.0.2.1";
  EXPECT_THAT(test::error_of([&] { Server(options, echo); }), HasSubstr("cannot listen on 192.0.2.1"));
  options.host = "127.0.0.1";
  const Server first(options, echo);
  options.port = first.port();
  EXPECT_THAT(test::error_of([&] { Server(options, echo); }),
              HasSubstr("cannot listen on 127.0.0.1 port " + std::to_string(first.port())));
}

TEST(Server, TakesThePortOfOneThatHasJustEnded) {
  ServerOptions options;
  {
    RunningServer server(echo, options);
    options.port = server->port();
    EXPECT_EQ(server.ask(request_text("GET", "/", "Connection: close\r\n")).status, 200);
  }
  RunningServer server(echo, options);
  EXPECT_EQ(server.ask(request_text("GET", "/")).status, 200);
}

TEST(Server, StopsAcceptingButGoesOnWithThoseItHas) {
  RunningServer server(echo);
  const auto client = server.client();
  client->send(request_text("GET", "/1"));
  EXPECT_EQ(client->reply().body, "GET /1\n");
  server->stop_accepting();
  EXPECT_TRUE(test::eventually([&] { return !Client().connect(server->port()); }));
  client->send(request_text("GET", "/2"));
  EXPECT_EQ(client->reply().body, "GET /2\n");
}

TEST(Server, StopsBeforeItRuns) {
  Server server({}, echo);
  server.stop();
  server.run();
}

TEST(Server, TellsThoseWhoWaitWhenItStops) {
  Held held;
  RunningServer server(held.handler(true));
  const auto client = server.client();
  client->send(request_text("GET", "/"));
  EXPECT_EQ(client->reply_head().status, 200);
  server.end();
  EXPECT_EQ(held.gone, 1U);
  EXPECT_TRUE(client->ended());
}

TEST(Server, MayEndBeforeItsResponders) {
  for (const bool streams : {true, false}) {
    Held held;
    RunningServer server(held.handler(streams));
    const auto client = server.client();
    client->send(request_text("GET", "/"));
    EXPECT_TRUE(test::eventually([&] {
      bool come = false;
      server.on_io([&] { come = !held.requests.empty(); });
      return come;
    }));
    server.end();
    const auto& responder = held.responders.at(0);
    responder->on_gone([] { ADD_FAILURE() << "there is no thread to call this on"; });
    EXPECT_EQ(responder->queued_bytes(), 0U);
    if (streams) responder->write("x");
    held.responders.clear();
  }
}

TEST(Server, MayBeDestroyedWithoutEverRunning) {
  const auto value = std::make_shared<int>(1);
  {
    Server server({}, [value](const Request&, const std::shared_ptr<Responder>&) {});
    server.post([value] {});
    server.post_after(1h, [value] {});
    Client client;
    EXPECT_TRUE(client.connect(server.port()));
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Server, RunsPostedWorkOfManyThreadsInOne) {
  RunningServer server(echo);
  int count = 0;  // no lock: one thread runs all of it
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 500; ++j) server->post([&] { ++count; });
      for (int j = 0; j < 10; ++j) server->post_after(std::chrono::milliseconds(j), [&] { ++count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(test::eventually([&] {
    int seen = 0;
    server.on_io([&] { seen = count; });
    return seen == 2040;
  }));
}

TEST(Server, RunsDelayedWorkInTheOrderOfItsTimes) {
  RunningServer server(echo);
  std::string order;
  server.on_io([&] {
    server->post_after(60ms, [&] { order += "c"; });
    server->post_after(20ms, [&] { order += "b"; });
    server->post([&] { order += "a"; });
  });
  EXPECT_TRUE(test::eventually([&] {
    bool done = false;
    server.on_io([&] { done = order.size() == 3; });
    return done;
  }));
  EXPECT_EQ(order, "abc");
}

TEST(Server, SurvivesRunningOutOfDescriptors) {
#ifdef __SANITIZE_ADDRESS__
  // UBSan, which the asan preset has too, opens a pipe to look at an object's type, and calls the type wrong
  // if it cannot.
  GTEST_SKIP() << "UBSan needs descriptors of its own";
#endif
  RunningServer server(echo);
  const auto before = server.client();
  before->send(request_text("GET", "/before"));
  EXPECT_EQ(before->reply().status, 200);
  Client waiting;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  // The lowest free number: nothing can be opened any more.
  const int next = ::dup(0);
  ASSERT_GE(next, 0);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool connected = waiting.connect(server->port());
  waiting.send(request_text("GET", "/waiting"));
  const bool silent = waiting.silent_for(250ms);
  before->send(request_text("GET", "/still"));
  const test::Reply still = before->reply();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(connected);
  EXPECT_TRUE(silent);
  EXPECT_EQ(still.body, "GET /still\n");
  EXPECT_EQ(waiting.reply().body, "GET /waiting\n");
}

}  // namespace
}  // namespace caravan::http
