#include "cli/flags/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"

namespace caravan::cli {
namespace {

using testing::HasSubstr;

const Command kCommand = {
    .name = "test",
    .summary = "Does nothing.",
    .usage = "[options]",
    .groups = {{"Things",
                {{"--count", "N", "a number"},
                 {"--top-k", "K", "another"},
                 {"--word", "TEXT", "a word; repeatable", true},
                 {"--kind", "KIND", "one or two"},
                 {"--on", "", "a switch"}}}},
    .aliases = {{"--is-two", "--kind", "two"}, {"--number", "--count", ""}},
    .positional = "",
};

Arguments parse(const std::vector<std::string>& words) { return {kCommand, words}; }

/// The sentence with which `words` are refused, also by reading --count, --kind and --on.
std::string sentence(const std::vector<std::string>& words) {
  try {
    const Arguments arguments = parse(words);
    static_cast<void>(arguments.integer("--count", 1, 10));
    static_cast<void>(arguments.number("--top-k", 0.0, 1.0));
    static_cast<void>(arguments.choice("--kind", {"one", "two", "three"}));
    static_cast<void>(arguments.is_on("--on"));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Arguments, ReadsValuesBesideAndBehindAnEqualsSign) {
  EXPECT_EQ(parse({"--count", "7"}).integer("--count", 1, 10), 7);
  EXPECT_EQ(parse({"--count=7"}).integer("--count", 1, 10), 7);
  EXPECT_EQ(parse({"--word", "--dashes"}).text("--word"), "--dashes");
  EXPECT_FALSE(parse({}).integer("--count", 1, 10).has_value());
}

TEST(Arguments, TakesSnakeCaseForKebabCase) {
  EXPECT_EQ(parse({"--top_k", "0.5"}).number("--top-k", 0.0, 1.0), 0.5);
  EXPECT_EQ(parse({"--word=a_b"}).text("--word"), "a_b");
}

TEST(Arguments, KeepsRepeatedValuesInOrder) {
  EXPECT_EQ(parse({"--word", "a", "--word", "b"}).texts("--word"), (std::vector<std::string>{"a", "b"}));
}

TEST(Arguments, KnowsAliases) {
  EXPECT_EQ(parse({"--is_two"}).text("--kind"), "two");
  EXPECT_EQ(parse({"--number", "3"}).integer("--count", 1, 10), 3);
}

TEST(Arguments, ReadsSwitches) {
  EXPECT_TRUE(parse({"--on"}).is_on("--on"));
  EXPECT_TRUE(parse({"--on=true"}).is_on("--on"));
  EXPECT_FALSE(parse({"--on=false"}).is_on("--on"));
  EXPECT_FALSE(parse({}).is_on("--on"));
}

TEST(Arguments, SaysWhatIsWrongAndWhatWouldBeRight) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--cuont", "3"}, "unknown flag \"--cuont\": did you mean --count?"},
      {{"--topk", "3"}, "unknown flag \"--topk\": did you mean --top-k?"},
      {{"--zzzzzzzzzzz"}, "unknown flag \"--zzzzzzzzzzz\" (see caravan test --help)"},
      {{"--count"}, "--count: no value was given, expected N"},
      {{"--count", "3", "--count", "4"}, "--count: given twice, expected once"},
      {{"--count", "eleven"}, "--count: found \"eleven\", expected an integer from 1 to 10"},
      {{"--count", "11"}, "--count: found \"11\", expected an integer from 1 to 10"},
      {{"--count", "99999999999999999999"}, "expected an integer from 1 to 10"},
      {{"--count", "3x"}, "expected an integer from 1 to 10"},
      {{"--count", ""}, "expected an integer from 1 to 10"},
      {{"--top-k", "nan"}, "--top-k: found \"nan\", expected a number from 0 to 1"},
      {{"--kind", "four"}, "--kind: found \"four\", expected one, two or three"},
      {{"--on=maybe"}, "--on: found \"maybe\", expected true or false"},
      {{"stray"}, "unexpected argument \"stray\""},
  };
  for (const auto& [words, expected] : cases) EXPECT_THAT(sentence(words), HasSubstr(expected));
}

TEST(HelpOf, NamesEveryOption) {
  const std::string help = help_of(kCommand);
  for (const char* name : {"--count N", "--top-k K", "--word TEXT", "--kind KIND", "--on"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
}

}  // namespace
}  // namespace caravan::cli
