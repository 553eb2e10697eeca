// llama.cpp's grammars: every construct, and every mistake by its line.
#include <gmock/gmock.h>

#include "text_grammar/guides.h"

namespace caravan {
namespace {

using test::gbnf;
using testing::HasSubstr;

struct Case {
  std::string grammar;
  std::vector<std::string> fits;
  std::vector<std::string> not_fits;
};

TEST(Gbnf, ReadsEveryConstruct) {
  const std::vector<Case> cases = {
      {R"(root ::= "yes" | "no")", {"yes", "no"}, {"", "ye", "yesno", "Yes"}},
      {R"(root ::= "a" "b"   "c")", {"abc"}, {"ab", "a b c"}},
      {"root ::= \"a\\n\\r\\t\\\\\\\"\\x41\\u00e9\\U0001F600\"", {"a\n\r\t\\\"Aé😀"}, {"a"}},
      {R"(root ::= [a-c] [^a-c\n] [-x] [\]\[] [é-ü])",
       {"az-]é", "cdx[ü"},
       {"aa-]é", "a\n-]é", "az-]a", "az+]é"}},
      {R"(root ::= ".")", {"."}, {"a"}},
      {R"(root ::= . .)", {"ab", "你\n"}, {"a", "abc", "\xE4\xBD"}},
      {R"(root ::= "ab"* [c]+ d? 
d ::= "d")",
       {"c", "ababccd"},
       {"", "ab", "abac", "cdd"}},
      {R"(root ::= [a]{2} [b]{2,} [c]{0,2} ("d" | "e"){1,2})",
       {"aabbd", "aabbbbccde"},
       {"abbd", "aabd", "aabbcccd", "aabbded"}},
      {R"(root ::= ("a" | ("b" "c")+)* "x")", {"x", "abcbcax"}, {"bx", "abc"}},
      {"root ::= \"\" | \"a\"", {"", "a"}, {"aa"}},
      {"# a comment\nroot ::= item (\",\" item)*   # another\n\nitem ::= \"a\" |\n  \"b\"\n  | \"c\"\n",
       {"a", "b,c,a"},
       {"", "a,"}},
      {"root ::= (\n  \"a\"\n  \"b\" # inside\n)\r\nx-1_Y ::= \"z\"", {"ab"}, {"a", "z"}},
      {"root ::=\n  a\na ::= \"1\"", {"1"}, {}},
  };
  for (const Case& one : cases) {
    for (const std::string& text : one.fits)
      EXPECT_TRUE(test::fits(gbnf(one.grammar), text)) << one.grammar << text;
    for (const std::string& text : one.not_fits) {
      EXPECT_FALSE(test::fits(gbnf(one.grammar), text)) << one.grammar << " and " << text;
    }
  }
}

TEST(Gbnf, ReadsRecursionAtAnyPlaceButTheBeginning) {
  const GuideSpec sums = gbnf(R"x(
root  ::= expr
expr  ::= term (("+" | "-") term)*
term  ::= factor ("*" factor)*
factor ::= [0-9]+ | "(" expr ")"
)x");
  EXPECT_TRUE(test::fits(sums, "1+(2*(3-4))*5"));
  EXPECT_FALSE(test::fits(sums, "1+(2*(3-4)*5"));
  EXPECT_FALSE(test::begins(sums, "1+)"));
  const GuideSpec palindrome = gbnf(R"(root ::= "a" root "a" | "b" root "b" | "c")");
  EXPECT_TRUE(test::fits(palindrome, "abbacabba"));
  EXPECT_FALSE(test::begins(palindrome, "abbacabbb"));
}

TEST(Gbnf, SaysWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "has no rule root"},
      {"a ::= \"x\"", "has no rule root"},
      {"root ::= a", "line 1: the rule \"a\" is not defined"},
      {"root ::= \"x\"\nroot ::= \"y\"", "line 2: the rule is defined twice"},
      {"root = \"x\"", "line 1: expected ::=, found \"=\""},
      {"root ::= \"x", "the literal has no end"},
      {"root ::= [x", "the class has no end"},
      {"root ::= [z-a]", "goes backwards"},
      {"root ::= (\"x\"", "expected ), found the end"},
      {"root ::= \"x\")", "expected the end of the line, found \")\""},
      {"root ::= * \"x\"", "expected a literal, class, group or rule, found \"*\""},
      {"root ::= \"\\q\"", "found \"q\""},
      {"root ::= \"\\x4g\"", "expected 2 hexadecimal digits"},
      {"root ::= \"\\ud800\"", "no Unicode character"},
      {"root ::= \"x\"{3,2}", "expected the larger number last"},
      {"root ::= \"x\"{a}", "expected a number, found \"a\""},
      {"root ::= \"x\"{2", "expected }, found the end"},
      {"root ::= <token>", "references to tokens are not supported"},
      {"root ::= root \"x\" | \"y\"", "the rule \"root\" begins with itself (left recursion)"},
      {"root ::= a \"x\" | \"y\"\na ::= \"z\"? root", "begins with itself"},
      {"root ::= \"x\" root", "the rule \"root\" matches no finite text"},
      {"root ::= \"x\" | a\na ::= \"y\" a", "the rule \"a\" matches no finite text"},
      {"root ::= \"x\" [^\\x00-\\U0010FFFF] | \"y\" a\na ::= a", "matches no finite text"},
  };
  for (const auto& [grammar, message] : cases) {
    EXPECT_THAT(test::refusal(gbnf(grammar)), HasSubstr(message)) << grammar;
    EXPECT_THAT(test::refusal(gbnf(grammar)), testing::StartsWith("the grammar"));
  }
}

TEST(Choice, IsExactlyOneOfTheList) {
  const GuideSpec spec = test::choice({"yes", "yesterday", "no", "not", "你好", "你们", "no"});
  for (const std::string& text : spec.choices) EXPECT_TRUE(test::fits(spec, text));
  for (const char* text : {"", "ye", "yes ", "n", "yesno", "你"})
    EXPECT_FALSE(test::fits(spec, text)) << text;
}

TEST(Choice, TakesThousandsThatBeginAlike) {
  std::vector<std::string> many;
  many.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) many.push_back("item number " + std::to_string(i));
  const GuideSpec spec = test::choice(many);
  EXPECT_TRUE(test::fits(spec, "item number 19999"));
  EXPECT_FALSE(test::fits(spec, "item number 20000"));
}

TEST(Choice, RefusesWhatCannotBeChosen) {
  EXPECT_THAT(test::refusal(test::choice({})), HasSubstr("is empty, expected at least one"));
  EXPECT_THAT(test::refusal(test::choice({"a", ""})), HasSubstr("choice 1 is empty"));
  EXPECT_THAT(test::refusal(test::choice({"\xFF"})), HasSubstr("not valid UTF-8"));
}

}  // namespace
}  // namespace caravan
