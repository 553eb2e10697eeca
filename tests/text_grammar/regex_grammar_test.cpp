// Regular expressions: the same texts as PCRE2's, found from both sides.
#include <gmock/gmock.h>

#include "text/regex.h"
#include "text_grammar/guides.h"

namespace caravan {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& expressions() {
  static const std::vector<std::string> kExpressions = {
      "abc",
      "a|b|ca?",
      "(ab|a)(bc|c)",
      "[abc]{2,4}b",
      "[^ab]+",
      "a*b+c?",
      "(?:a{2}|b{1,}|c{0,2}){2}",
      "(a|b)*?c+?a??",
      "^ab|ba$|^c$",
      R"(\d{1,3}(\.\d+)?)",
      R"(\w+\s\w+)",
      R"([\w.+-]+@[a-c]+\.(?:ab|bc))",
      R"(\S+[^\s]a)",
      R"([^\s\d]{1,3}[\]\-^])",
      R"(a{,2}b{c}\{\})",
      R"(\x61\u0062\x{63}\t?\n?)",
      "[é-ü你-好]{1,3}",
      "(?<first>a)(?P<second>b)",
      ".b.",
      "a()b|",
      "((a|b)+(c|)){1,3}",
      R"([a-c-]+[.*+?()|{}$]/\/)",
  };
  return kExpressions;
}

/// Caravan's Regex understands PCRE2's syntax but for \u, and finds the first match; the anchors make it the
/// whole.
bool pcre2_matches(std::string expression, const std::string& text) {
  for (size_t at = 0; (at = expression.find("\\u", at)) != std::string::npos;) {
    expression =
        expression.substr(0, at) + "\\x{" + expression.substr(at + 2, 4) + "}" + expression.substr(at + 6);
  }
  if (text.empty()) return Regex("\\A(?:" + expression + ")x\\z", "a test").find_all("x").size() == 1;
  return Regex("\\A(?:" + expression + ")\\z", "a test").find_all(text).size() == 1;
}

TEST(RegexGrammar, GeneratesOnlyWhatPcre2Matches) {
  std::mt19937 random(11);
  for (const std::string& expression : expressions()) {
    const auto guide = compile_guide(test::regex(expression), test::demo_trie());
    for (int i = 0; i < 30; ++i) {
      const std::string text = test::random_text(guide, random, i);
      EXPECT_TRUE(pcre2_matches(expression, text)) << expression << " and \"" << text << '"';
    }
  }
}

/// As Caravan's Regex understands \D and \W, é is none; here it is both.
const std::vector<std::string>& ascii_expressions() {
  static const std::vector<std::string> kExpressions = {R"(\S+\D\W?)", R"([\W]+[^\w]|[\D])"};
  return kExpressions;
}

TEST(RegexGrammar, TakesAllOfAsciiThatPcre2Matches) {
  std::mt19937 random(12);
  const std::string alphabet = "abcab1.@ -]^{}c";
  std::vector<std::string> all = expressions();
  all.insert(all.end(), ascii_expressions().begin(), ascii_expressions().end());
  for (const std::string& expression : all) {
    const auto guide = compile_guide(test::regex(expression), test::byte_trie());
    for (int i = 0; i < 400; ++i) {
      std::string text;
      for (size_t length = random() % 7; text.size() < length;) text += alphabet[random() % alphabet.size()];
      GrammarMatcher matcher(guide, {});
      EXPECT_EQ(matcher.accept(text) && matcher.may_end(), pcre2_matches(expression, text))
          << expression << " and \"" << text << '"';
    }
  }
}

TEST(RegexGrammar, TakesWhatBothDialectsHave) {
  EXPECT_TRUE(test::fits(test::regex(R"([\b]\0\v\f\r\x7F)"), std::string("\b\0\v\f\r\x7F", 6)));
  EXPECT_TRUE(test::fits(test::regex(R"(\u{1F600}\ud83d\ude00)"), "😀😀"));
  EXPECT_FALSE(test::fits(test::regex(R"(\w)"), "é"));
  EXPECT_TRUE(test::fits(test::regex(R"(\W\D[^\w])"), "éé你"));
  EXPECT_FALSE(test::fits(test::regex(R"(\d)"), "٣"));
  EXPECT_FALSE(test::fits(test::regex(R"(\S)"), "\u2003"));
  EXPECT_FALSE(test::fits(test::regex(R"([^\s])"), "\u2003"));
  EXPECT_FALSE(test::fits(test::regex("."), "\n"));
  EXPECT_FALSE(test::fits(test::regex("."), "\u2028"));
}

TEST(RegexGrammar, RefusesByNameWhatIsNotSupported) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a(?=b)", "at byte 3: look-ahead is not supported"},
      {"a(?!b)", "look-ahead"},
      {"(?<=a)b", "look-behind"},
      {"(?<!a)b", "look-behind"},
      {"(?>a)", "atomic groups"},
      {"(?i)a", "this kind of group"},
      {"(a)\\1", "the back-reference \\1"},
      {"(?<n>a)\\k<n>", "\\k is not supported"},
      {"\\bword", "\\b is not supported"},
      {"\\p{L}", "\\p is not supported"},
      {"\\012", "octal"},
      {"a++", "possessive"},
      {"a**", "nothing to repeat"},
      {"*a", "nothing to repeat"},
      {"{2}a", "nothing to repeat"},
      {"(|?)", "nothing to repeat"},
      {"a^b", "^ and $ are supported at the ends"},
      {"a$b", "^ and $ are supported at the ends"},
      {"(^a)", "^ and $ are supported at the ends"},
      {"[]a]", "the class is empty"},
      {"[a", "the class has no end"},
      {"[z-a]", "goes backwards"},
      {"[\\d-z]", "a range goes from one character"},
      {"[[:alpha:]]", "POSIX classes"},
      {"(a", "the group has no end"},
      {"a)", "there is no group to close"},
      {"(?<>a)", "expected a group's name"},
      {"a\\", "nothing follows the \\"},
      {"\\xZZ", "2 hexadecimal digits"},
      {"\\x{}", "1 to 6 hexadecimal digits"},
      {"\\x{110000}", "no Unicode character"},
      {"\\uD800", "no Unicode character"},
      {"\\uD800\\u0041", "the low surrogate"},
      {"a{3,2}", "expected the larger number last"},
      {"a{20000}", "at most 10000"},
      {"[^\\x{0}-\\x{10FFFF}]", "fits no finite text"},
  };
  for (const auto& [expression, message] : cases) {
    EXPECT_THAT(test::refusal(test::regex(expression)), HasSubstr(message)) << expression;
    EXPECT_THAT(test::refusal(test::regex(expression)), testing::StartsWith("the regular expression"));
  }
}

}  // namespace
}  // namespace caravan
