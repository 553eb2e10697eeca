// Calls of functions in an answer: which texts are calls, and that it never matters how they are cut.
#include "serve/openai/tool_calls.h"

#include <gtest/gtest.h>

#include <map>

namespace caravan::serve::openai {
namespace {

/// "text|f({…})|text": what comes out, with neighbouring pieces put together.
std::string shown(const std::vector<std::vector<ToolDelta>>& batches) {
  std::string out;
  bool in_call = false;
  for (const auto& batch : batches) {
    for (const ToolDelta& delta : batch) {
      if (!delta.call) {
        EXPECT_FALSE(delta.content.empty());
        if (in_call) out += ")";
        in_call = false;
        out += delta.content;
      } else if (!delta.name.empty()) {
        EXPECT_TRUE(delta.arguments.empty());
        if (in_call) out += ")";
        in_call = true;
        out += "|" + std::to_string(*delta.call) + ":" + delta.name + "(";
      } else {
        EXPECT_TRUE(in_call);
        out += delta.arguments;
      }
    }
  }
  return in_call ? out + ")" : out;
}

/// What `text` becomes in one piece, having checked that it becomes the same in two at every byte, and in
/// single bytes.
std::string parsed(const std::string& text, bool one_only = false) {
  const std::set<std::string> names = {"f", "get_weather"};
  ToolCallParser once(names, one_only);
  std::vector<std::vector<ToolDelta>> batches;
  batches.push_back(once.push(text));
  batches.push_back(once.finish());
  std::string expected = shown(batches);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    ToolCallParser parser(names, one_only);
    batches.clear();
    batches.push_back(parser.push(text.substr(0, cut)));
    batches.push_back(parser.push(text.substr(cut)));
    batches.push_back(parser.finish());
    EXPECT_EQ(shown(batches), expected) << "cut at " << cut << " of " << text;
  }
  ToolCallParser parser(names, one_only);
  batches.clear();
  for (const char c : text) batches.push_back(parser.push({&c, 1}));
  batches.push_back(parser.finish());
  EXPECT_EQ(shown(batches), expected) << "byte by byte: " << text;
  return expected;
}

TEST(ToolCalls, AreReadInTheFormOfLlama31) {
  EXPECT_EQ(parsed(R"({"name": "get_weather", "parameters": {"city": "Köln"}})"),
            R"(|0:get_weather({"city": "Köln"}))");
  EXPECT_EQ(parsed(R"(<|python_tag|>{"name": "f", "parameters": {}})"), "|0:f({})");
  EXPECT_EQ(parsed("\n {\"name\": \"f\", \"parameters\": {\"a\": [1, {\"b\": \"}\\\"]\"}]}}\n"),
            "|0:f({\"a\": [1, {\"b\": \"}\\\"]\"}]})");
}

TEST(ToolCalls, AreReadWithTheOtherNamesThatModelsWrite) {
  EXPECT_EQ(parsed(R"({"name": "f", "arguments": {"a": 1}})"), R"(|0:f({"a": 1}))");
  EXPECT_EQ(parsed(R"({"type": "function", "function": "f", "parameters": {"a": 1}})"), R"(|0:f({"a": 1}))");
  EXPECT_EQ(parsed(R"({"name": "f", "arguments": "{\"a\": \"x\"}"})"), R"(|0:f({"a": "x"}))");
  EXPECT_EQ(parsed(R"({"name": "f", "arguments": {}, "id": "1", "x": [2], "y": 3.5, "z": null})"),
            "|0:f({})");
}

TEST(ToolCalls, MayNameTheFunctionAfterItsArguments) {
  EXPECT_EQ(parsed(R"({"parameters": {"a": 1}, "name": "f"})"), R"(|0:f({"a": 1}))");
  EXPECT_EQ(parsed(R"({"arguments": "{}", "name": "f"} {"parameters": {"a": 1}, "name": "f"})"),
            R"(|0:f({})|1:f({"a": 1}))");
}

TEST(ToolCalls, MayBeSeveral) {
  const std::string first = R"({"name": "f", "parameters": {"a": 1}})";
  const std::string second = R"({"name": "get_weather", "parameters": {}})";
  const std::string both = R"(|0:f({"a": 1})|1:get_weather({}))";
  EXPECT_EQ(parsed(first + "; " + second), both);
  EXPECT_EQ(parsed(first + "\n" + second), both);
  EXPECT_EQ(parsed("[" + first + ", " + second + "]"), both);
  EXPECT_EQ(parsed("<|python_tag|>" + first + ";" + second + ";"), both);
  EXPECT_EQ(parsed("<tool_call>\n" + first + "\n</tool_call>\n<tool_call>" + second + "</tool_call>"), both);
}

TEST(ToolCalls, AfterTheFirstAreLeftOutWhereOnlyOneIsWanted) {
  EXPECT_EQ(parsed(R"({"name": "f", "parameters": {}}; {"name": "f", "parameters": {"a": 1}})", true),
            "|0:f({})");
}

TEST(ToolCalls, OfHermesMayStandInText) {
  EXPECT_EQ(parsed("Let me see.\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>"),
            "Let me see.\n|0:f({})");
  EXPECT_EQ(parsed("<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n\nDone < now."),
            "|0:f({})\n\nDone < now.");
}

TEST(ToolCalls, OfUnknownFunctionsAreText) {
  for (const std::string text :
       {R"({"name": "g", "parameters": {}})", R"({"name": "Bob", "age": 3})",
        R"([{"name": "g", "parameters": {}}])", R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)"}) {
    EXPECT_EQ(parsed(text), text);
  }
}

TEST(ToolCalls, ThatAreNoneAreTextByteForByte) {
  for (const std::string text : {"",
                                 " ",
                                 "Hello.",
                                 "  Hello <b>you</b>",
                                 "{",
                                 "{}",
                                 "[]",
                                 "[1]",
                                 "{\"a\": 1}",
                                 "{\"name\"",
                                 "{\"name\": 3}",
                                 "{\"name\": \"f\"}",
                                 "{\"name\": \"f\", \"parameters\": 3}",
                                 "{\"name\": \"f\", \"name\": \"f\"}",
                                 "{\"parameters\": {\"a\": bad}, \"name\": \"f\"}",
                                 "{\"parameters\": {}, \"parameters\": {}}",
                                 "{\"name\": \"f\", \"arguments\": \"no JSON\"}",
                                 "{\"na\\u006de\": \"f\"}",
                                 "{\"type\": 1}",
                                 "<tool_call>",
                                 "<tool_call>x",
                                 "<tool",
                                 "<<tool_call",
                                 "<|python_tag|>print(1)",
                                 "</tool_call>",
                                 "[[{\"name\"",
                                 "{\"name\": \"f\" \"parameters\"",
                                 "从前 <｜tool"}) {
    EXPECT_EQ(parsed(text), text);
  }
}

TEST(ToolCalls, ThatBreakOffInTheirArgumentsKeepWhatTheyHave) {
  EXPECT_EQ(parsed(R"({"name": "f", "parameters": {"a": [1, 2)"), R"(|0:f({"a": [1, 2))");
}

TEST(ToolCalls, LeaveTheTextAfterThem) {
  EXPECT_EQ(parsed(R"({"name": "f", "parameters": {}} and more)"), "|0:f({}) and more");
  EXPECT_EQ(parsed(R"([{"name": "f", "parameters": {}}, {"x": 1}])"), R"(|0:f({}), {"x": 1}])");
  EXPECT_EQ(parsed(R"({"name": "f", "parameters": {}, oops})"), "|0:f({})oops}");
}

TEST(ToolCalls, ComeOutAsSoonAsTheyAreKnown) {
  ToolCallParser parser({"f"}, false);
  EXPECT_TRUE(parser.push(R"({"name": "f", "param)").empty());
  const auto deltas = parser.push(R"(eters": {"a)");
  ASSERT_EQ(deltas.size(), 2U);
  EXPECT_EQ(deltas[0].name, "f");
  EXPECT_EQ(deltas[1].arguments, R"({"a)");
  EXPECT_EQ(parser.push("\": 1}")[0].arguments, "\": 1}");
  EXPECT_TRUE(parser.push("}").empty());
  EXPECT_EQ(parser.calls(), 1U);
}

TEST(ToolCalls, HoldTextBackOnlyWhileItMayBeOne) {
  ToolCallParser parser({"f"}, false);
  EXPECT_TRUE(parser.push("  ").empty());
  EXPECT_EQ(parser.push("He")[0].content, "  He");
  EXPECT_EQ(parser.push("llo <")[0].content, "llo ");
  EXPECT_EQ(parser.push("b")[0].content, "<b");
}

}  // namespace
}  // namespace caravan::serve::openai
