// Golden streams: the exact events, but for `created`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "serve_openai/support.h"

namespace caravan::serve::test {
namespace {

using testing::HasSubstr;

/// With the moment and the ids of calls, which differ each time, replaced.
std::string golden(const std::string& stream) {
  const std::string timeless = std::regex_replace(stream, std::regex(R"("created":\d+)"), R"("created":0)");
  return std::regex_replace(timeless, std::regex("call_[0-9a-f]{24}"), "call_X");
}

TEST(CompletionStreams, AreEventsWithDoneAtTheEnd) {
  Server server;
  const Call call = server.call("/v1/completions", completion_body(R"("stream": true)"));
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.stream_type, "text/event-stream");
  const std::string head =
      R"(data: {"id":"cmpl-made-here","object":"text_completion","created":0,"model":"org/demo",)";
  EXPECT_EQ(
      golden(streamed(call, server.model, " upon a")),
      head +
          R"("choices":[{"index":0,"text":" upon","logprobs":null,"finish_reason":null,"stop_reason":null}]})" +
          "\n\n" + head +
          R"("choices":[{"index":0,"text":" a","logprobs":null,"finish_reason":null,"stop_reason":null}]})" +
          "\n\n" + head +
          R"("choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop","stop_reason":null}]})" +
          "\n\ndata: [DONE]\n\n");
}

TEST(CompletionStreams, EchoThePromptFirst) {
  Server server;
  const auto plain = server.call("/v1/completions", completion_body(R"("stream": true, "echo": true)"));
  EXPECT_EQ(events_of(streamed(plain, server.model, " a"))[0]["choices"][0]["text"], "Once");
  const auto scored =
      server.call("/v1/completions", completion_body(R"("stream": true, "echo": true, "logprobs": 1)"));
  const auto events = events_of(streamed(scored, server.model, " upon a"));
  ASSERT_EQ(events.size(), 4U);
  const Json& prompt = events[0]["choices"][0];
  EXPECT_EQ(prompt["text"], "Once");
  EXPECT_EQ(prompt["logprobs"]["token_logprobs"], Json::parse("[null, -0.5]"));
  EXPECT_EQ(events[1]["choices"][0]["logprobs"]["text_offset"], Json::parse("[4]"));
  EXPECT_EQ(events[2]["choices"][0]["logprobs"]["text_offset"], Json::parse("[9]"));
}

TEST(CompletionStreams, ReportUsageAtTheEndWhereAsked) {
  Server server;
  const auto events = events_of(
      streamed(server.call("/v1/completions",
                           completion_body(R"("stream": true, "stream_options": {"include_usage": true})")),
               server.model, " upon a"));
  ASSERT_EQ(events.size(), 4U);
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    ASSERT_TRUE(events[i].contains("usage"));
    EXPECT_TRUE(events[i]["usage"].is_null());
  }
  EXPECT_EQ(events.back()["choices"], Json::array());
  EXPECT_EQ(events.back()["usage"],
            Json::parse(R"({"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4,
                                                    "prompt_tokens_details": {"cached_tokens": 1}})"));
}

TEST(CompletionStreams, ReportUsageOfEveryChunkWhereAsked) {
  Server server;
  const auto events =
      events_of(streamed(server.call("/v1/completions", completion_body(R"("stream": true, "stream_options":
               {"include_usage": true, "continuous_usage_stats": true})")),
                         server.model, " upon a"));
  EXPECT_EQ(events[0]["usage"],
            Json::parse(R"({"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3})"));
  EXPECT_EQ(events[1]["usage"]["completion_tokens"], 2);
}

TEST(CompletionStreams, NumberChoicesThroughAllPrompts) {
  Server server;
  const Call call = server.call("/v1/completions", R"({"prompt": ["a", "b"], "n": 2, "stream": true})");
  const std::string event = call.answer->event({1, 1, "x", {}, std::nullopt, 0.0});
  EXPECT_THAT(event, HasSubstr(R"("index":3)"));
}

TEST(CompletionStreams, SendNothingForTokensWithoutText) {
  Server server;
  const Call call = server.call("/v1/completions", completion_body(R"("stream": true)"));
  EXPECT_EQ(call.answer->event({0, 0, "", {{300, "", std::nullopt, 0, {}}}, std::nullopt, 0.0}), "");
}

TEST(CompletionStreams, ThatBreakOffSayWhy) {
  Server server;
  for (const std::string path : {"/v1/completions", "/v1/chat/completions"}) {
    const Call call = server.call(path, path == "/v1/completions" ? completion_body(R"("stream": true)")
                                                                  : chat_body(R"("stream": true)"));
    EXPECT_EQ(call.answer->failed({FailureKind::kGeneration, "no memory", "", ""}),
              R"(data: {"error":{"message":"no memory","type":"server_error","param":null,"code":null}})"
              "\n\ndata: [DONE]\n\n");
  }
}

TEST(ChatStreams, BeginWithTheRole) {
  Server server;
  const Call call = server.call("/v1/chat/completions", chat_body(R"("stream": true)"));
  const std::string head =
      R"(data: {"id":"chatcmpl-made-here","object":"chat.completion.chunk","created":0,"model":"org/demo",)";
  EXPECT_EQ(
      golden(streamed(call, server.model, " upon")),
      head +
          R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})" +
          "\n\n" + head +
          R"("choices":[{"index":0,"delta":{"content":" upon"},"logprobs":null,"finish_reason":null}]})" +
          "\n\n" + head +
          R"("choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null}]})" +
          "\n\ndata: [DONE]\n\n");
}

constexpr const char* kTools =
    R"("tools": [{"type": "function", "function": {"name": "f"}}], "stream": true)";

TEST(ChatStreams, OfCallsNameThemOnceAndThenSendArguments) {
  Server server;
  const Call call = server.call("/v1/chat/completions", chat_body(kTools));
  std::string stream;
  for (const char* piece : {"{\"name\": \"f\", ", "\"parameters\": {\"a\"", ": 1}", "}"})
    stream += call.answer->event({0, 0, piece, {}, std::nullopt, 0.0});
  stream += call.answer->event({0, 0, "", {}, Finish{Ending::kStopToken, 4, ""}, 0.0}) + call.answer->end({});
  std::string shown;
  for (const Json& event : events_of(golden(stream)))
    shown += event["choices"][0]["delta"].dump() + event["choices"][0]["finish_reason"].dump() + "\n";
  EXPECT_EQ(
      shown,
      R"({"tool_calls":[{"index":0,"id":"call_X","type":"function","function":{"name":"f","arguments":""}}]}null)"
      "\n"
      R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}null)"
      "\n"
      R"({"tool_calls":[{"index":0,"function":{"arguments":": 1}"}}]}null)"
      "\n"
      R"({}"tool_calls")"
      "\n");
}

TEST(ChatStreams, GiveTextThatLookedLikeACall) {
  Server server;
  const Call call = server.call("/v1/chat/completions", chat_body(kTools));
  EXPECT_EQ(call.answer->event({0, 0, "{\"name\"", {}, std::nullopt, 0.0}), "");
  const std::string end =
      call.answer->event({0, 0, ": 3", {}, Finish{Ending::kLength, std::nullopt, ""}, 0.0});
  EXPECT_THAT(end, HasSubstr(R"({"content":"{\"name\": 3"})"));
  EXPECT_THAT(end, HasSubstr(R"("finish_reason":"length")"));
}

TEST(ChatStreams, ReportLogprobsOfTokensWhoseTextIsHeldBack) {
  Server server;
  const Call call =
      server.call("/v1/chat/completions", chat_body(std::string(kTools) + R"(, "logprobs": true)"));
  const std::string event = call.answer->event({0, 0, "{", tokens_of(server.model, "{"), std::nullopt, 0.0});
  const Json choice = Json::parse(event.substr(6))["choices"][0];
  EXPECT_EQ(choice["delta"], Json::object());
  EXPECT_EQ(choice["logprobs"]["content"][0]["token"], "{");
}

TEST(ChatStreams, ReportUsage) {
  Server server;
  const Call call = server.call("/v1/chat/completions", chat_body(R"("stream": true, "stream_options":
      {"include_usage": true, "continuous_usage_stats": true})"));
  const auto events = events_of(streamed(call, server.model, " upon a"));
  EXPECT_EQ(events[0]["usage"]["completion_tokens"], 0);
  EXPECT_EQ(events[2]["usage"]["completion_tokens"], 2);
  EXPECT_EQ(events.back()["choices"], Json::array());
  EXPECT_EQ(events.back()["usage"]["prompt_tokens_details"]["cached_tokens"], 1);
}

}  // namespace
}  // namespace caravan::serve::test
