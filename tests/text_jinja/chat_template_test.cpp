// Whole chat templates against what transformers rendered from the same conversations.
#include "text/chat_template.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "text_jinja/fixtures.h"

namespace caravan {
namespace {

ChatOptions options_of(const Json& conversation, bool add_generation_prompt) {
  ChatOptions options;
  options.add_generation_prompt = add_generation_prompt;
  if (conversation.contains("tools")) options.tools = conversation["tools"];
  if (conversation.contains("variables")) options.variables = conversation["variables"];
  options.date = test::fixed_time();
  return options;
}

/// Renders every conversation with the template and compares with `expected`, both with the prompt and
/// without.
void expect_rendered_as_in_python(const std::filesystem::path& path, const Json& expected) {
  const Json fixture = test::read_fixture("conversations.json");
  const ChatTemplate chat_template(test::read_text(path),
                                   fixture["tokens"].get<std::map<std::string, std::string>>(),
                                   path.filename().string());
  for (const auto& [name, conversation] : fixture["conversations"].items()) {
    for (const bool prompt : {false, true}) {
      const Json& outcome = expected[name][prompt ? "prompt" : "plain"];
      const std::string what = path.filename().string() + ", " + name + (prompt ? ", with prompt" : "");
      try {
        const std::string text =
            chat_template.render(conversation["messages"], options_of(conversation, prompt));
        ASSERT_TRUE(outcome.contains("text"))
            << what << "\ngives: " << text << "\nPython: " << outcome.dump();
        EXPECT_EQ(text, outcome["text"].get<std::string>()) << what;
      } catch (const Error& error) {
        ASSERT_TRUE(outcome.contains("error")) << what << "\nfails: " << error.what();
        if (outcome["error"].is_string()) {
          EXPECT_THAT(error.what(), testing::HasSubstr(outcome["error"].get<std::string>())) << what;
        }
      }
    }
  }
}

TEST(ChatTemplate, RendersOurTemplatesAsTransformersDoes) {
  const Json expected = test::read_fixture("rendered.json");
  ASSERT_GE(expected.size(), 5U);
  for (const auto& [name, outcomes] : expected.items())
    expect_rendered_as_in_python(test::fixture("jinja/" + name), outcomes);
}

TEST(ChatTemplate, RendersPublishedTemplatesAsTransformersDoes) {
  const auto folder = test::shared("chat_templates");
  if (!folder) GTEST_SKIP() << "no ../shared/chat_templates beside this checkout";
  const Json expected = test::read_fixture("shared.json");
  ASSERT_GE(expected.size(), 4U);
  for (const auto& [name, outcomes] : expected.items())
    expect_rendered_as_in_python(*folder / name, outcomes);
}

TEST(ChatTemplate, KnowsTheSpecialTokensAndLetsVariablesReplaceThem) {
  const ChatTemplate chat_template("{{ bos_token }}{{ eos_token }}[{{ pad_token }}]",
                                   {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  EXPECT_EQ(chat_template.render(Json::array()), "<s></s>[]");
  ChatOptions options;
  options.variables["bos_token"] = "<B>";
  EXPECT_EQ(chat_template.render(Json::array(), options), "<B></s>[]");
}

TEST(ChatTemplate, GivesNoneForToolsAndDocumentsThatAreAbsent) {
  const ChatTemplate chat_template("{{ tools is none }} {{ documents is none }} {{ add_generation_prompt }}",
                                   {});
  EXPECT_EQ(chat_template.render(Json::array()), "True True False");
  ChatOptions options;
  options.documents = Json::parse(R"([{"title": "T", "text": "x"}])");
  EXPECT_EQ(chat_template.render(Json::array(), options), "True False False");
}

TEST(ChatTemplate, MakesUpTheDayOfTheWeekOfAGivenDate) {
  ChatOptions options;
  options.date = std::tm{};
  options.date->tm_year = 126;
  options.date->tm_mon = 10;
  options.date->tm_mday = 21;
  EXPECT_EQ(ChatTemplate("{{ strftime_now('%A %j') }}", {}).render(Json::array(), options), "Saturday 325");
}

TEST(ChatTemplate, TakesTheClockWhereNoDateIsGiven) {
  const std::string year = ChatTemplate("{{ strftime_now('%Y') }}", {}).render(Json::array());
  EXPECT_GE(std::stoi(year), 2026);
}

template <typename Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ChatTemplate, RefusesMessagesThatAreNoObjects) {
  const ChatTemplate chat_template("x", {});
  EXPECT_EQ(error_of([&] { (void)chat_template.render(Json::parse(R"([{}, "hi"])")); }),
            "the messages of a chat: item 1 is the string \"hi\", expected an object");
  EXPECT_EQ(error_of([&] { (void)chat_template.render(Json("hi")); }),
            "the messages of a chat are the string \"hi\", expected a list of objects");
  ChatOptions options;
  options.tools = 3;
  EXPECT_EQ(error_of([&] { (void)chat_template.render(Json::array(), options); }),
            "the tools of a chat are the number 3, expected a list of objects");
}

TEST(ChatTemplate, SaysTheTemplatesOwnWordsWithTheLine) {
  const ChatTemplate chat_template("a\n{{ raise_exception('Only users may speak.') }}", {},
                                   "model/template.jinja");
  EXPECT_EQ(error_of([&] { (void)chat_template.render(Json::array()); }),
            "model/template.jinja, line 2: Only users may speak.");
}

}  // namespace
}  // namespace caravan
