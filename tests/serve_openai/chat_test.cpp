// POST /v1/chat/completions: messages, tools and answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_openai/support.h"

namespace caravan::serve::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kPath = "/v1/chat/completions";
constexpr const char* kTools = R"("tools": [
    {"type": "function", "function": {"name": "f", "description": "does f",
     "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}},
    {"type": "function", "function": {"name": "g"}}])";

std::string prompt_of(Server& server, const std::string& messages, const std::string& more = "") {
  return server.call(kPath, R"({"messages": )" + messages + more + "}").generations.at(0).prompt_text;
}

std::string field_of(Server& server, const std::string& messages) {
  return server.error(kPath, R"({"messages": )" + messages + "}")["param"].get<std::string>();
}

TEST(Chat, IsWrittenByTheTemplateWithOneBos) {
  Server server;
  const Generation generation = server.call(kPath, chat_body()).generations.at(0);
  EXPECT_EQ(generation.prompt_text,
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(generation.prompt[0], 0);
  EXPECT_EQ(generation.prompt[1], 2) << "no second BOS";
  const Generation twice = server.call(kPath, chat_body(R"("add_special_tokens": true)")).generations.at(0);
  EXPECT_EQ(twice.prompt[1], 0) << "but where it is asked for";
}

TEST(Chat, MayUseAllThatTheContextHolds) {
  Server server;
  const Generation generation = server.call(kPath, chat_body()).generations.at(0);
  EXPECT_EQ(generation.max_output, 512 - static_cast<int64_t>(generation.prompt.size()));
  EXPECT_EQ(server.call(kPath, chat_body(R"("max_completion_tokens": 5)")).generations[0].max_output, 5);
  EXPECT_EQ(server.call(kPath, chat_body(R"("max_tokens": 6)")).generations[0].max_output, 6);
  EXPECT_EQ(server.error(kPath, chat_body(R"("max_tokens": 6, "max_completion_tokens": 5)"))["param"],
            "max_tokens");
  EXPECT_EQ(server.error(kPath, chat_body(R"("max_tokens": 0)"))["param"], "max_tokens");
  EXPECT_EQ(server.error(kPath, chat_body(R"("max_completion_tokens": 512)"))["code"],
            "context_length_exceeded");
}

TEST(Chat, TakesContentInTextParts) {
  Server server;
  EXPECT_THAT(prompt_of(server, R"([{"role": "user", "content": [{"type": "text", "text": "one"}, "two"]}])"),
              HasSubstr("one\ntwo<|eot_id|>"));
}

TEST(Chat, RefusesImagesByName) {
  Server server;
  const Json error = server.error(kPath, R"({"messages": [{"role": "user", "content": [
      {"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]})");
  EXPECT_EQ(error["param"], "messages[0].content[1].type");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("\"image_url\", expected \"text\""));
}

TEST(Chat, TakesTheRolesOfOpenAi) {
  Server server;
  EXPECT_THAT(prompt_of(server, R"([{"role": "developer", "content": "S"}, {"role": "user", "content": "U"},
      {"role": "assistant", "content": "A"}, {"role": "tool", "tool_call_id": "1", "content": "T"}])"),
              HasSubstr("<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"));
  EXPECT_EQ(field_of(server, R"([{"role": "king", "content": "x"}])"), "messages[0].role");
  EXPECT_EQ(field_of(server, R"([{"content": "x"}])"), "messages[0].role");
}

TEST(Chat, NeedsMessagesOfTheRightForm) {
  Server server;
  EXPECT_EQ(server.error(kPath, "{}")["param"], "messages");
  EXPECT_EQ(field_of(server, "[]"), "messages");
  EXPECT_EQ(field_of(server, "\"x\""), "messages");
  EXPECT_EQ(field_of(server, "[3]"), "messages[0]");
  EXPECT_EQ(field_of(server, R"([{"role": "user"}])"), "messages[0].content");
  EXPECT_EQ(field_of(server, R"([{"role": "assistant"}])"), "messages[0].content");
  EXPECT_EQ(field_of(server, R"([{"role": "user", "content": 3}])"), "messages[0].content");
  EXPECT_EQ(field_of(server, R"([{"role": "user", "content": [3]}])"), "messages[0].content[0]");
  EXPECT_EQ(field_of(server, R"([{"role": "user", "content": [{"type": "text"}]}])"),
            "messages[0].content[0].text");
}

TEST(Chat, HandsEarlierCallsToTheTemplateAsObjects) {
  Server server;
  const ChatTemplate shows(
      "{% for m in messages %}{{ m.role }}:{{ m.content }}:{% for c in m.tool_calls %}{{ c.function.name }}"
      "{{ c.function.arguments.a }}{% endfor %};{% endfor %}{{ tools | length }}",
      {});
  server.model.chat_template = &shows;
  const std::string messages = R"([{"role": "user", "content": "x"},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 7}"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "y"}])";
  EXPECT_EQ(prompt_of(server, messages, std::string(", ") + kTools), "user:x:;assistant::f7;tool:y:;2");
  const auto call_with = [&](const std::string& function) {
    return field_of(server, R"([{"role": "assistant", "tool_calls": [{"function": )" + function + "}]}]");
  };
  const std::string path = "messages[0].tool_calls[0].function";
  EXPECT_EQ(call_with(R"({"name": "f", "arguments": "{"})"), path + ".arguments");
  EXPECT_EQ(call_with(R"({"name": "f", "arguments": "3"})"), path + ".arguments");
  EXPECT_EQ(call_with(R"({"name": "f", "arguments": 3})"), path + ".arguments");
  EXPECT_EQ(call_with(R"({"arguments": "{}"})"), path + ".name");
  EXPECT_EQ(call_with("null"), path);
}

TEST(Chat, HandsFurtherVariablesToTheTemplate) {
  Server server;
  const ChatTemplate shows("{{ mood }}{{ documents | length }}", {});
  server.model.chat_template = &shows;
  EXPECT_EQ(
      server
          .call(kPath, chat_body(R"("chat_template_kwargs": {"mood": "glad"}, "documents": [{"text": "d"}])"))
          .generations[0]
          .prompt_text,
      "glad1");
  EXPECT_EQ(server.error(kPath, chat_body(R"("chat_template_kwargs": 3)"))["param"], "chat_template_kwargs");
  EXPECT_EQ(server.error(kPath, chat_body(R"("chat_template": "{{ x }}")"))["param"], "chat_template");
}

TEST(Chat, RefusesWhatTheTemplateRefuses) {
  Server server;
  const ChatTemplate refuses("{{ raise_exception('roles must alternate') }}", {});
  server.model.chat_template = &refuses;
  const Json error = server.error(kPath, chat_body());
  EXPECT_EQ(error["param"], "messages");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("roles must alternate"));
}

TEST(Chat, NeedsATemplate) {
  Server server;
  server.model.chat_template = nullptr;
  EXPECT_THAT(server.error(kPath, chat_body())["message"].get<std::string>(), HasSubstr("/v1/completions"));
}

TEST(Chat, ContinuesTheLastMessageWhereAsked) {
  Server server;
  const std::string messages =
      R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": " Once  "}])";
  const std::string open = R"(, "continue_final_message": true)";
  EXPECT_THAT(prompt_of(server, messages, open), testing::EndsWith("assistant<|end_header_id|>\n\nOnce"))
      << "this template trims";
  const ChatTemplate keeps("{% for m in messages %}[{{ m.content }}]{% endfor %}", {});
  server.model.chat_template = &keeps;
  EXPECT_EQ(prompt_of(server, messages, open), "[a][ Once  ");
  EXPECT_EQ(prompt_of(server, messages, open + R"(, "add_generation_prompt": false)"), "[a][ Once  ");
  EXPECT_EQ(server.error(
                kPath, R"({"messages": )" + messages + open + R"(, "add_generation_prompt": true})")["param"],
            "continue_final_message");
  EXPECT_EQ(server.error(kPath, R"({"messages": [{"role": "user", "content": " "}])" + open + "}")["param"],
            "continue_final_message");
}

TEST(Chat, LeavesOutTheGenerationPromptWhereAsked) {
  Server server;
  EXPECT_THAT(
      prompt_of(server, R"([{"role": "user", "content": "a"}])", R"(, "add_generation_prompt": false)"),
      testing::EndsWith("a<|eot_id|>"));
}

TEST(Chat, AnswersAsOpenAi) {
  Server server;
  const Json answer = whole(server.call(kPath, chat_body(R"("n": 2)")), server.model, {"Hello", "Hey"});
  EXPECT_EQ(answer["id"], "chatcmpl-made-here");
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["choices"][0],
            Json::parse(R"({"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": null},
                            "logprobs": null, "finish_reason": "stop", "stop_reason": null})"));
  EXPECT_EQ(answer["choices"][1]["message"]["content"], "Hey");
  EXPECT_EQ(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 1);
}

TEST(Chat, EchoesTheMessageThatItContinues) {
  Server server;
  const Call call =
      server.call(kPath, R"({"messages": [{"role": "assistant", "content": "Once"}], "echo": true,
                                           "continue_final_message": true})");
  EXPECT_EQ(whole(call, server.model, {" upon"})["choices"][0]["message"]["content"], "Once upon");
  EXPECT_EQ(events_of(streamed(call, server.model, " upon"))[1]["choices"][0]["delta"]["content"], "Once");
  const Call other = server.call(kPath, chat_body(R"("echo": true)"));
  EXPECT_EQ(whole(other, server.model, {"x"})["choices"][0]["message"]["content"], "x");
}

TEST(Chat, ReportsLogprobsInItsOwnForm) {
  Server server;
  const Call call = server.call(kPath, chat_body(R"("logprobs": true, "top_logprobs": 1)"));
  EXPECT_EQ(call.generations[0].top_logprobs, 1);
  const Json logprobs = whole(call, server.model, {"é"})["choices"][0]["logprobs"];
  EXPECT_TRUE(logprobs["refusal"].is_null());
  const Json first = logprobs["content"][0];
  EXPECT_EQ(first["logprob"], -0.5);
  EXPECT_EQ(first["bytes"][0], 0xC3);
  ASSERT_EQ(first["top_logprobs"].size(), 1U);
  EXPECT_EQ(first["top_logprobs"][0]["logprob"], -0.25);
  EXPECT_TRUE(first["top_logprobs"][0].contains("bytes"));
  EXPECT_EQ(server.error(kPath, chat_body(R"("top_logprobs": 1)"))["param"], "top_logprobs");
  EXPECT_EQ(server.error(kPath, chat_body(R"("logprobs": true, "top_logprobs": 21)"))["param"],
            "top_logprobs");
  EXPECT_EQ(server.error(kPath, chat_body(R"("logprobs": 1)"))["param"], "logprobs");
}

TEST(Chat, ReportsPromptLogprobs) {
  Server server;
  const Json answer = whole(server.call(kPath, chat_body(R"("prompt_logprobs": 0)")), server.model, {"a"});
  EXPECT_TRUE(answer["prompt_logprobs"][0].is_null());
  EXPECT_EQ(answer["prompt_logprobs"][1].size(), 1U);
}

TEST(Chat, RefusesWhatItCannotDoByName) {
  Server server;
  for (const std::string more :
       {R"("audio": {})", R"("modalities": ["text", "audio"])", R"("web_search_options": {})",
        R"("functions": [])", R"("function_call": "auto")", R"("bad_words": ["x"])"}) {
    const std::string field = more.substr(1, more.find('"', 1) - 1);
    EXPECT_EQ(server.error(kPath, chat_body(more))["param"], field);
  }
  server.call(
      kPath,
      chat_body(R"("modalities": ["text"], "store": false, "metadata": {}, "reasoning_effort": "low")"));
}

TEST(Chat, ParsesCallsOfItsTools) {
  Server server;
  const Call call = server.call(kPath, chat_body(kTools));
  EXPECT_FALSE(call.generations[0].guide.has_value());
  const Json choice = whole(call, server.model, {R"({"name": "f", "parameters": {"a": 1}})"})["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_TRUE(choice["message"]["content"].is_null());
  const Json made = choice["message"]["tool_calls"][0];
  EXPECT_THAT(made["id"].get<std::string>(), MatchesRegex("call_[0-9a-f]+"));
  EXPECT_EQ(made["id"].get<std::string>().size(), 29U);
  EXPECT_EQ(made["type"], "function");
  EXPECT_EQ(made["function"], Json::parse(R"({"name": "f", "arguments": "{\"a\": 1}"})"));
}

TEST(Chat, AnswersInWordsWhereNoToolIsCalled) {
  Server server;
  const std::string call = R"({"name": "f", "parameters": {"a": 1}})";
  const Json text = whole(server.call(kPath, chat_body(kTools)), server.model, {"Hello"})["choices"][0];
  EXPECT_EQ(text["message"]["content"], "Hello");
  EXPECT_FALSE(text["message"].contains("tool_calls"));
  EXPECT_EQ(text["finish_reason"], "stop");
  const Call none = server.call(kPath, chat_body(std::string(kTools) + R"(, "tool_choice": "none")"));
  EXPECT_EQ(whole(none, server.model, {call})["choices"][0]["message"]["content"], call);
  const Call without = server.call(kPath, chat_body(R"("tools": [])"));
  EXPECT_EQ(whole(without, server.model, {call})["choices"][0]["message"]["content"], call);
}

TEST(Chat, ThatIsCutOffInACallSaysLength) {
  Server server;
  const Json choice =
      whole(server.call(kPath, chat_body(kTools)), server.model, {R"({"name": "f", "parameters": {"a)"},
            {Ending::kLength, std::nullopt, ""})["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], R"({"a)");
}

TEST(Chat, IsGuidedWhereACallIsDemanded) {
  Server server;
  const auto schema = [&](const std::string& more) {
    const Generation generation =
        server.call(kPath, chat_body(std::string(kTools) + ", " + more)).generations[0];
    EXPECT_EQ(generation.guide->kind, GuideSpec::Kind::kJsonSchema);
    EXPECT_EQ(generation.guide_field, "tools");
    return Json::parse(generation.guide->text);
  };
  const Json f = Json::parse(R"({"type": "object", "properties": {"name": {"const": "f"}, "parameters":
      {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
      "required": ["name", "parameters"], "additionalProperties": false})");
  const Json g = Json::parse(R"({"type": "object", "properties": {"name": {"const": "g"}, "parameters":
      {"type": "object"}}, "required": ["name", "parameters"], "additionalProperties": false})");
  EXPECT_EQ(schema(R"("tool_choice": {"type": "function", "function": {"name": "f"}})"), f);
  const Json either = {{"anyOf", Json::array({f, g})}};
  EXPECT_EQ(schema(R"("tool_choice": "required", "parallel_tool_calls": false)"), either);
  const Json list = {{"type", "array"}, {"minItems", 1}, {"items", either}};
  EXPECT_EQ(schema(R"("tool_choice": "required")"), list);
}

TEST(Chat, MovesTheReferencesOfAToolsSchema) {
  Server server;
  const Call call = server.call(kPath, chat_body(R"("tool_choice": "required", "tools": [{"type": "function",
      "function": {"name": "t", "parameters": {"$defs": {"N": {"type": "integer"}},
        "properties": {"n": {"$ref": "#/$defs/N"}, "again": {"$ref": "#"}}}}}])"));
  const Json schema = Json::parse(call.generations[0].guide->text);
  EXPECT_EQ(schema["items"]["properties"]["parameters"]["$ref"], "#/$defs/t");
  EXPECT_EQ(schema["$defs"]["t"]["properties"]["n"]["$ref"], "#/$defs/t/$defs/N");
  EXPECT_EQ(schema["$defs"]["t"]["properties"]["again"]["$ref"], "#/$defs/t");
}

TEST(Chat, RefusesToolsOfAnotherForm) {
  Server server;
  const auto field = [&](const std::string& more) {
    return server.error(kPath, chat_body(more))["param"].get<std::string>();
  };
  const auto tool = [&](const std::string& json) { return field(R"("tools": [)" + json + "]"); };
  EXPECT_EQ(field(R"("tools": {})"), "tools");
  EXPECT_EQ(tool("3"), "tools[0]");
  EXPECT_EQ(tool(R"({"type": "magic"})"), "tools[0].type");
  EXPECT_EQ(tool(R"({"type": "function"})"), "tools[0].function");
  EXPECT_EQ(tool(R"({"type": "function", "function": {"name": "a b"}})"), "tools[0].function.name");
  EXPECT_EQ(tool(R"({"type": "function", "function": {"name": "f", "parameters": 3}})"),
            "tools[0].function.parameters");
  EXPECT_EQ(
      tool(
          R"({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}})"),
      "tools[1].function.name");
  EXPECT_EQ(field(R"("tool_choice": "auto")"), "tool_choice");
  const std::string tools = std::string(kTools) + ", ";
  EXPECT_EQ(field(tools + R"("tool_choice": "maybe")"), "tool_choice");
  EXPECT_EQ(field(tools + R"("tool_choice": {"type": "x"})"), "tool_choice.type");
  EXPECT_EQ(field(tools + R"("tool_choice": {"type": "function"})"), "tool_choice.function");
  EXPECT_EQ(field(tools + R"("tool_choice": {"type": "function", "function": {"name": "h"}})"),
            "tool_choice.function.name");
  EXPECT_EQ(field(tools + R"("tool_choice": "required", "guided_regex": "a")"), "guided_regex");
  EXPECT_EQ(field(tools + R"("parallel_tool_calls": 3)"), "parallel_tool_calls");
}

}  // namespace
}  // namespace caravan::serve::test
