#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_http/running_server.h"
#include "serve_http/tls_client.h"
#include "support/errors.h"

namespace caravan::http {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::Held;
using test::request_text;
using test::RunningServer;
using test::TlsClient;
using testing::AllOf;
using testing::HasSubstr;

class Tls : public testing::Test {
 protected:
  Tls() {
    test::make_certificate(folder_, "server");
    options_.tls = TlsFiles{folder_ / "server.crt", folder_ / "server.key"};
  }

  test::TemporaryFolder folder_;
  ServerOptions options_;
};

TEST_F(Tls, Serves13And12ButNothingOlder) {
  RunningServer server(echo, options_);
  for (const auto& [highest, name] : {std::pair{TLS1_3_VERSION, "TLSv1.3"}, {TLS1_2_VERSION, "TLSv1.2"}}) {
    TlsClient client(highest);
    ASSERT_TRUE(client.connect(server->port()));
    EXPECT_EQ(client.version(), name);
    EXPECT_EQ(client.protocol(), "http/1.1");
    for (int i = 0; i < 2; ++i) {
      client.send(request_text("POST", "/a", "", "body"));
      EXPECT_EQ(client.reply().body, "POST /a\nbody");
    }
  }
  EXPECT_FALSE(TlsClient(TLS1_1_VERSION).connect(server->port()));
}

TEST_F(Tls, CarriesLargeBodiesBothWays) {
  RunningServer server(echo, options_);
  TlsClient client;
  ASSERT_TRUE(client.connect(server->port()));
  const std::string body(size_t{5} << 20U, 'x');
  client.send(request_text("POST", "/", "Connection: close\r\n", body));
  EXPECT_EQ(client.reply().body, "POST /\n" + body);
  EXPECT_TRUE(client.ended());
}

TEST_F(Tls, StreamsAndSeesClientsLeave) {
  Held held;
  RunningServer server(held.handler(true), options_);
  {
    TlsClient client;
    ASSERT_TRUE(client.connect(server->port()));
    client.send(request_text("GET", "/1") + request_text("GET", "/2"));
    EXPECT_EQ(client.reply_head().status, 200);
    for (int i = 0; i < 3; ++i) {
      server.on_io([&] { held.responders.at(0)->write("piece"); });
      EXPECT_EQ(client.next_chunk(), "piece");
    }
    server.on_io([&] { held.responders.at(0)->finish(); });
    EXPECT_EQ(client.next_chunk(), "");
  }
  EXPECT_TRUE(test::eventually([&] {
    size_t gone = 0;
    server.on_io([&] { gone = held.gone; });
    return gone == 1;
  }));
  EXPECT_EQ(held.requests.size(), 2U);
}

TEST_F(Tls, RefusesLargeBodiesWhileTheyCome) {
  options_.max_body_bytes = 1000;
  RunningServer server(echo, options_);
  TlsClient client;
  ASSERT_TRUE(client.connect(server->port()));
  client.send(request_text("POST", "/", "", std::string(size_t{4} << 20U, 'x')));
  EXPECT_EQ(client.reply().status, 413);
}

TEST_F(Tls, GivesUpOnSlowAndFalseHandshakes) {
  options_.read_timeout = 100ms;
  RunningServer server(echo, options_);
  const auto silent = server.client();
  EXPECT_TRUE(silent->ended());
  const auto plain = server.client();
  plain->send(request_text("GET", "/"));
  EXPECT_EQ(plain->reply().status, 0);
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
}

TEST_F(Tls, NamesTheFileThatCannotBeUsed) {
  const auto error = [&] { return test::error_of([&] { Server(options_, echo); }); };
  const TlsFiles good = *options_.tls;
  options_.tls = TlsFiles{folder_ / "none.crt", good.key};
  EXPECT_THAT(error(), AllOf(HasSubstr("TLS certificate"), HasSubstr("none.crt")));
  options_.tls = TlsFiles{good.certificate, folder_.write("bad.key", "nonsense")};
  EXPECT_THAT(error(), AllOf(HasSubstr("TLS key"), HasSubstr("bad.key")));
  test::make_certificate(folder_, "other");
  options_.tls = TlsFiles{good.certificate, folder_ / "other.key"};
  EXPECT_THAT(error(), AllOf(HasSubstr("TLS key"), HasSubstr("other.key"), HasSubstr("mismatch")));
}

}  // namespace
}  // namespace caravan::http
