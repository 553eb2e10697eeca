#include "serve/http/response_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/http/server.h"
#include "support/errors.h"

namespace caravan::http {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string head_of(const Response& response, HeadForm form = {}) {
  form.request_id = "id";
  return response_head(response, form);
}

TEST(ResponseHead, SaysWhatFollows) {
  EXPECT_EQ(head_of({200, "text/plain", "abc", {{"X-Own", "1"}}}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nX-Request-Id: id\r\n"
            "X-Own: 1\r\n\r\n");
}

TEST(ResponseHead, HasChunksForStreamsAndNoneForHttp10) {
  EXPECT_THAT(head_of({}, {.body = BodyForm::kChunked}), HasSubstr("Transfer-Encoding: chunked\r\n"));
  const std::string old = head_of({}, {.body = BodyForm::kUntilClose, .keep_alive = false, .http_1_0 = true});
  EXPECT_THAT(old, Not(HasSubstr("chunked")));
  EXPECT_THAT(old, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head_of({}, {.http_1_0 = true}), HasSubstr("Connection: keep-alive\r\n"));
}

TEST(ResponseHead, HasNoLengthWhereThereIsNoBody) {
  EXPECT_THAT(head_of({204, "", "", {}}), Not(HasSubstr("Content-")));
  EXPECT_THAT(test::error_of([] {
                (void)head_of({204, "", "", {}}, {.body = BodyForm::kChunked});
              }),
              HasSubstr("expected one that has a body"));
}

TEST(ResponseHead, NamesTheAllowedOrigin) {
  EXPECT_THAT(head_of({}), Not(HasSubstr("Access-Control")));
  EXPECT_THAT(
      head_of({}, {.cors_origin = "https://a"}),
      testing::AllOf(HasSubstr("Access-Control-Allow-Origin: https://a\r\n"), HasSubstr("Vary: Origin")));
}

TEST(ResponseHead, CannotBeBrokenOutOf) {
  using Field = std::pair<std::string, std::string>;
  for (const Field& field :
       std::vector<Field>{{"A", "b\r\nC: d"}, {"A\r\n", "b"}, {"", "b"}, {"A", "\x01"}}) {
    EXPECT_THAT(test::error_of([&] { (void)head_of({200, "", "", {field}}); }), HasSubstr("one line"));
  }
  EXPECT_THAT(test::error_of([] {
                (void)head_of({200, "", "", {{"content-length", "7"}}});
              }),
              HasSubstr("writes itself"));
}

TEST(DefaultErrorBody, IsJsonAsOpenAisClientsReadIt) {
  EXPECT_EQ(default_error_body(400, "bad \"x\"").body,
            R"({"error":{"message":"bad \"x\"","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(default_error_body(503, "m").body,
            R"({"error":{"message":"m","type":"server_error","param":null,"code":null}})");
  EXPECT_EQ(default_error_body(400, "\xff").status, 400);
}

}  // namespace
}  // namespace caravan::http
