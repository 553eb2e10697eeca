#include "cli/load/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan::load {
namespace {

using test::error_of;
using testing::HasSubstr;

TEST(StreamChunk, OfACompletionHasItsText) {
  const StreamChunk chunk = parse_stream_chunk(R"({"choices": [{"text": "a", "finish_reason": null}]})");
  EXPECT_TRUE(chunk.has_output);
  EXPECT_FALSE(chunk.finished);
  EXPECT_FALSE(chunk.usage.has_value());
}

TEST(StreamChunk, OfAChatHasItsContentReasoningOrCalls) {
  EXPECT_TRUE(
      parse_stream_chunk(R"({"choices": [{"delta": {"role": "assistant", "content": "a"}}]})").has_output);
  EXPECT_TRUE(parse_stream_chunk(R"({"choices": [{"delta": {"reasoning_content": "a"}}]})").has_output);
  EXPECT_TRUE(parse_stream_chunk(R"({"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]})").has_output);
}

TEST(StreamChunk, WithoutTextIsOutputWhereTheServerHoldsATokenBack) {
  EXPECT_TRUE(parse_stream_chunk(R"({"choices": [{"text": "", "finish_reason": null}]})").has_output);
  EXPECT_TRUE(parse_stream_chunk(R"({"choices": [{"delta": {"content": ""}}]})").has_output);
}

TEST(StreamChunk, ThatOpensOrEndsAnAnswerIsNoOutput) {
  EXPECT_FALSE(
      parse_stream_chunk(R"({"choices": [{"delta": {"role": "assistant", "content": ""}}]})").has_output);
  EXPECT_FALSE(parse_stream_chunk(R"({"choices": [{"delta": {}, "finish_reason": "stop"}]})").has_output);
  const StreamChunk end = parse_stream_chunk(R"({"choices": [{"text": "", "finish_reason": "length"}]})");
  EXPECT_FALSE(end.has_output);
  EXPECT_TRUE(end.finished);
}

TEST(StreamChunk, MayEndWithItsLastText) {
  const StreamChunk chunk = parse_stream_chunk(R"({"choices": [{"text": "a", "finish_reason": "length"}]})");
  EXPECT_TRUE(chunk.has_output);
  EXPECT_TRUE(chunk.finished);
}

TEST(StreamChunk, HasTheUsage) {
  const StreamChunk chunk =
      parse_stream_chunk(R"({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}})");
  EXPECT_FALSE(chunk.has_output);
  ASSERT_TRUE(chunk.usage.has_value());
  EXPECT_EQ(chunk.usage->prompt_tokens, 5);
  EXPECT_EQ(chunk.usage->completion_tokens, 7);
}

TEST(StreamChunk, TellsWhatWentWrongInTheServer) {
  EXPECT_EQ(parse_stream_chunk(R"({"error": {"message": "out of memory", "code": 500}})").error,
            "out of memory");
  EXPECT_EQ(parse_stream_chunk(R"({"error": "no"})").error, "no");
  EXPECT_EQ(parse_stream_chunk(R"({"error": [1]})").error, "[1]");
}

TEST(StreamChunk, ThatIsNoneIsAnError) {
  EXPECT_THAT(error_of([] { parse_stream_chunk("{"); }), HasSubstr("the stream"));
  EXPECT_THAT(error_of([] { parse_stream_chunk("[]"); }), HasSubstr("object"));
  EXPECT_THAT(error_of([] { parse_stream_chunk("{}"); }), HasSubstr("expected a chunk of a completion"));
  EXPECT_THAT(error_of([] { parse_stream_chunk(R"({"choices": [1]})"); }), HasSubstr("choices[]"));
  EXPECT_THAT(error_of([] { parse_stream_chunk(R"({"usage": {"prompt_tokens": -1}})"); }),
              HasSubstr("usage.prompt_tokens"));
}

TEST(ErrorMessage, IsFoundInTheUsualPlaces) {
  EXPECT_EQ(error_message_of(R"({"error": {"message": "the queue is full"}})"), "the queue is full");
  EXPECT_EQ(error_message_of(R"({"error": "overloaded", "error_type": "x"})"), "overloaded");
  EXPECT_EQ(error_message_of(R"({"message": "no", "code": 4})"), "no");
  EXPECT_EQ(error_message_of(R"({"detail": "Not Found"})"), "Not Found");
  EXPECT_EQ(error_message_of("<html>"), "<html>");
  EXPECT_EQ(error_message_of(""), "");
}

}  // namespace
}  // namespace caravan::load
