#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "support/errors.h"

namespace caravan {
namespace {

using test::error_of;

std::string parse_error(const std::string& text) {
  return error_of([&text] { parse_json(text, "a.json"); });
}

TEST(ParseJson, ReadsEveryKindOfValueInTheFilesOrder) {
  const Json json =
      parse_json(R"({"z": [1, -2, 2.5, true, null], "a": {"s": "é\u00e9\ud83d\ude00"}})", "a.json");
  EXPECT_EQ(json.dump(), R"({"z":[1,-2,2.5,true,null],"a":{"s":"éé😀"}})");
}

TEST(ParseJson, ReadsABareValueAndAByteOrderMark) {
  EXPECT_EQ(parse_json(" 7 ", "a.json"), Json(7));
  EXPECT_EQ(parse_json("\xEF\xBB\xBF[1]", "a.json"), Json::array({1}));
}

struct BadJson {
  std::string text;
  std::string message;
};

TEST(ParseJson, RefusesWhatIsNotStrictJsonAndSaysWhere) {
  const std::string reading = "syntax error while parsing ";
  const std::vector<BadJson> cases = {
      {"",
       "line 1, column 1: " + reading + "value - unexpected end of input; expected '[', '{', or a literal"},
      {"[1,]", "line 1, column 4: " + reading + "value - unexpected ']'; expected '[', '{', or a literal"},
      {"{\"a\":1}x", "line 1, column 8: " + reading + "value - invalid literal"},
      {"[NaN]", "line 1, column 2: " + reading + "value - invalid literal"},
      {"[01]", "line 1, column 3: " + reading + "array - unexpected number literal; expected ']'"},
      {"{'a':1}", "line 1, column 2: " + reading + "object key - invalid literal"},
      {"[1] // no", "line 1, column 5: " + reading + "value - invalid literal"},
      {"\"\xff\"", "line 1, column 2: " + reading + "value - invalid string: ill-formed UTF-8 byte"},
      {"[1e999]", "byte 6: number overflow parsing '1e999'"},
  };
  for (const BadJson& each : cases)
    EXPECT_EQ(parse_error(each.text), "a.json: not valid JSON at " + each.message) << each.text;
}

TEST(ParseJson, RefusesANameThatAppearsTwiceInOneObject) {
  EXPECT_EQ(parse_error(R"({"a": 1, "b": {"a": 2}, "a": 3})"),
            "a.json: the name \"a\" appears twice in one object");
  EXPECT_EQ(parse_error(R"({"a": 1, "b": {"a": 2}})"), "no Error");
}

TEST(ParseJson, RefusesNestingThatNoFileHas) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(parse_error(nested(kMaxJsonDepth)), "no Error");
  EXPECT_EQ(parse_error(nested(kMaxJsonDepth + 1)),
            "a.json: nested more than 100 levels deep, which no file of this kind is");
  EXPECT_EQ(parse_error(std::string(1'000'000, '[')),
            "a.json: nested more than 100 levels deep, which no file of this kind is");
}

TEST(ParseJson, KeepsItsMessageShortAndPrintable) {
  for (const std::string& text : {std::string("\"").append(100'000, 'a') + "\xff\"",
                                  std::string("[").append(100'000, '9') + "e99999]"}) {
    const std::string message = parse_error(text);
    EXPECT_LT(message.size(), 250U);
    EXPECT_FALSE(utf8_first_invalid(message)) << message;
  }
}

TEST(Describe, PutsAValueInWords) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"null", "null"},
      {"true", "true"},
      {"{}", "an object"},
      {"[1, 2]", "an array of 2"},
      {"3", "the number 3"},
      {"-1.5", "the number -1.5"},
      {"\"x\"", "the string \"x\""},
  };
  for (const auto& [text, words] : cases) EXPECT_EQ(describe(parse_json(text, "")), words);
}

class JsonObjectTest : public testing::Test {
 protected:
  Json json_ = parse_json(
      R"({"i": 5, "big": 9223372036854775808, "d": 2.5, "b": true, "s": "x", "n": null, "o": {"k": -1}, "a": [1]})",
      "a.json");
  JsonObject object_{json_, "a.json"};
};

TEST_F(JsonObjectTest, GivesFieldsOfTheirType) {
  EXPECT_EQ(object_.integer("i", 5, 5), 5);
  EXPECT_EQ(object_.object("o")->integer("k", -1, 0), -1);
  EXPECT_EQ(object_.number("i", 0, 10), 5.0);
  EXPECT_EQ(object_.number("d", 0, 10), 2.5);
  EXPECT_TRUE(object_.boolean_or("b", false));
  EXPECT_EQ(object_.string("s"), "x");
  EXPECT_EQ(object_.array("a")->size(), 1U);
}

TEST_F(JsonObjectTest, TakesNullForAbsent) {
  EXPECT_FALSE(object_.has("n"));
  EXPECT_FALSE(object_.object("n"));
  EXPECT_EQ(object_.array("n"), nullptr);
  EXPECT_EQ(object_.integer_or("n", 0, 1, 7), 7);
  EXPECT_EQ(object_.number_or("missing", 0, 1, 0.5), 0.5);
  EXPECT_TRUE(object_.boolean_or("n", true));
  EXPECT_EQ(object_.string_or("missing", "y"), "y");
}

TEST_F(JsonObjectTest, NamesFileFieldFoundAndExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {error_of([&] { (void)object_.integer("missing", 1, 2); }),
       "a.json: field \"missing\" is missing, expected an integer from 1 to 2"},
      {error_of([&] { (void)object_.integer("i", 6, 9); }),
       "a.json: field \"i\" is the number 5, expected an integer from 6 to 9"},
      {error_of([&] { (void)object_.integer("d", 0, 9); }),
       "a.json: field \"d\" is the number 2.5, expected an integer from 0 to 9"},
      {error_of([&] { (void)object_.integer("b", 0, 9); }),
       "a.json: field \"b\" is true, expected an integer from 0 to 9"},
      {error_of([&] { (void)object_.integer("big", 0, INT64_MAX); }),
       "a.json: field \"big\" is the number 9223372036854775808, expected an integer from 0 to "
       "9223372036854775807"},
      {error_of([&] { (void)object_.object("o")->integer("k", 0, 9); }),
       "a.json: field \"o.k\" is the number -1, expected an integer from 0 to 9"},
      {error_of([&] { (void)object_.number("s", 0, 9); }),
       R"(a.json: field "s" is the string "x", expected a number from 0 to 9)"},
      {error_of([&] { (void)object_.boolean_or("i", false); }),
       "a.json: field \"i\" is the number 5, expected true or false"},
      {error_of([&] { (void)object_.string("o"); }), "a.json: field \"o\" is an object, expected a string"},
      {error_of([&] { (void)object_.object("a"); }),
       "a.json: field \"a\" is an array of 1, expected an object"},
      {error_of([&] { (void)object_.array("o"); }), "a.json: field \"o\" is an object, expected an array"},
  };
  for (const auto& [message, expected] : cases) EXPECT_EQ(message, expected);
}

TEST(JsonObject, RefusesAFileThatIsNoObject) {
  const Json json = parse_json("[1]", "a.json");
  EXPECT_EQ(error_of([&] { JsonObject object(json, "a.json"); }),
            "a.json: the file is an array of 1, expected an object");
}

}  // namespace
}  // namespace caravan
