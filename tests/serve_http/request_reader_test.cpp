#include "serve/http/request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caravan::http {
namespace {

using testing::HasSubstr;

constexpr RequestLimits kLimits{1000, 100};

/// Gives `text` byte by byte, as the slowest network would.
ReceivedRequest read_slowly(const std::string& text) {
  RequestReader reader(kLimits);
  std::string held;
  for (const char byte : text) {
    held += byte;
    held.erase(0, reader.feed(held));
  }
  EXPECT_TRUE(reader.complete());
  return reader.take();
}

ReceivedRequest read_at_once(const std::string& text) {
  RequestReader reader(kLimits);
  EXPECT_EQ(reader.feed(text), text.size());
  EXPECT_TRUE(reader.complete());
  return reader.take();
}

/// The status that `text` is refused with, 0 where it is not.
int refusal(const std::string& text) {
  try {
    RequestReader reader(kLimits);
    reader.feed(text);
  } catch (const RefusedRequest& refused) {
    return refused.status();
  }
  return 0;
}

TEST(RequestReader, ReadsTheSameByteByByteAndAtOnce) {
  const std::string text =
      "\r\nPOST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: me\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: t\r\n\r\n";
  for (const ReceivedRequest& received : {read_slowly(text), read_at_once(text)}) {
    EXPECT_EQ(received.request.method, "POST");
    EXPECT_EQ(received.request.path, "/a b");
    EXPECT_EQ(received.request.query.at("x"), "1");
    EXPECT_EQ(received.request.headers.find("host"), "h");
    EXPECT_EQ(received.request.headers.find("Trailer"), std::nullopt);
    EXPECT_EQ(received.request.body, "abcdefgh");
    EXPECT_EQ(received.request.id, "me");
    EXPECT_TRUE(received.keep_alive);
  }
}

TEST(RequestReader, StopsAtTheRequestsEnd) {
  RequestReader reader(kLimits);
  const std::string first = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
  EXPECT_EQ(reader.feed(first + "GET /next HTTP/1.1\r\n"), first.size());
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.take().request.body, "ab");
}

TEST(RequestReader, KnowsWhetherTheClientGoesOn) {
  EXPECT_TRUE(read_at_once("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keep_alive);
  EXPECT_FALSE(read_at_once("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(read_at_once("GET / HTTP/1.0\r\n\r\n").keep_alive);
  const ReceivedRequest kept = read_at_once("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(kept.keep_alive);
  EXPECT_TRUE(kept.http_1_0);
}

TEST(RequestReader, GivesAHeadAsAGet) {
  const ReceivedRequest received = read_at_once("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(received.head_only);
  EXPECT_EQ(received.request.method, "GET");
}

TEST(RequestReader, MakesAnIdWhereTheClientsIsNotSane) {
  const std::string id = read_at_once("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b\r\n\r\n").request.id;
  EXPECT_EQ(id.size(), 32U);
}

TEST(RequestReader, TellsOnceThatTheClientWaitsToContinue) {
  RequestReader reader(kLimits);
  reader.feed("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(reader.take_wish_to_continue());
  EXPECT_FALSE(reader.take_wish_to_continue());
  EXPECT_FALSE(reader.complete());
  reader.feed("x");
  EXPECT_TRUE(reader.complete());
}

TEST(RequestReader, RefusesWhatIsMalformedWith400) {
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  for (const std::string& text :
       {std::string("\x16\x03\x01\x02\x01"), std::string("GET /\r\n\r\n"), "GET /%zz" + host + "\r\n",
        "GET *" + host + "\r\n", "CONNECT h:1" + host + "\r\n", std::string("GET / HTTP/2.0\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n\r\n"), "GET /" + host + "Host: other\r\n\r\n",
        "GET /" + host + "no colon\r\n\r\n", "GET /" + host + "Content-Length: x\r\n\r\n",
        "GET /" + host + "Content-Length: -1\r\n\r\n",
        "GET /" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET /" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST /" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        std::string("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "POST /" + host + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(2000, 'x')}) {
    EXPECT_EQ(refusal(text), 400) << text;
  }
}

TEST(RequestReader, RefusesEncodingsAndExpectationsThatItDoesNotKnow) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nExpect: coffee\r\n\r\n"), 417);
}

TEST(RequestReader, RefusesBodiesOverTheLimit) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(refusal(head + "Content-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(refusal(head + "Content-Length: 100\r\n\r\n"), 0);
  EXPECT_EQ(refusal(head + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')), 413);
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  EXPECT_EQ(refusal(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk), 0);
  EXPECT_EQ(refusal(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "1\r\n"), 413);
}

TEST(RequestReader, RefusesHeadersOverTheLimitHoweverTheyCome) {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(refusal("GET /" + std::string(2000, 'x')), 431);
  EXPECT_EQ(refusal(head + "A: " + std::string(2000, 'x')), 431);
  // Many small fields, which the parser consumes as they come.
  RequestReader reader(kLimits);
  std::string held = head;
  const auto feed_forever = [&] {
    for (int i = 0; i < 1000; ++i) {
      held += "A: b\r\n";
      held.erase(0, reader.feed(held));
    }
  };
  try {
    feed_forever();
    ADD_FAILURE() << "endless headers were read";
  } catch (const RefusedRequest& refused) {
    EXPECT_EQ(refused.status(), 431);
    EXPECT_THAT(refused.what(), HasSubstr("1000 bytes"));
  }
}

}  // namespace
}  // namespace caravan::http
