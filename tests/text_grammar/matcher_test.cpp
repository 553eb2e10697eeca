// Masks and states: what may come is what the bytes allow, no more and no less.
#include "text/grammar/matcher.h"

#include <gmock/gmock.h>

#include <thread>

#include "support/errors.h"
#include "support/paths.h"
#include "text_grammar/guides.h"

namespace caravan {
namespace {

using test::has_bit;

std::shared_ptr<const TokenTrie> trie_of(std::vector<std::string> bytes) {
  return std::make_shared<const TokenTrie>(std::move(bytes));
}

std::vector<int32_t> allowed_ids(GrammarMatcher& matcher) {
  std::vector<uint64_t> mask(matcher.guide().trie().mask_words() + 1);
  const bool any = matcher.allowed(mask);
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < static_cast<int32_t>(mask.size() * 64); ++id) {
    if (has_bit(mask, id)) ids.push_back(id);
  }
  EXPECT_EQ(any, !ids.empty());
  return ids;
}

TEST(GrammarMatcher, AllowsTheTokensThatCanComeNext) {
  const auto trie = trie_of({"a", "ab", "b", "abc", "c", "", "b"});
  GrammarMatcher matcher(compile_guide(test::regex("abc|b+"), trie), {7});
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{0, 1, 2, 3, 6}));
  EXPECT_TRUE(matcher.accept_token(1));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{4}));
  EXPECT_FALSE(matcher.accept_token(2));
  EXPECT_FALSE(matcher.accept_token(5));
  EXPECT_FALSE(matcher.accept_token(99));
  EXPECT_FALSE(matcher.accept_token(-1));
  EXPECT_TRUE(matcher.accept_token(4));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{7}));
}

TEST(GrammarMatcher, ATokenThatIsRefusedChangesNothing) {
  GrammarMatcher matcher(compile_guide(test::regex("abc"), test::byte_trie()), {});
  EXPECT_FALSE(matcher.accept("abd"));
  EXPECT_TRUE(matcher.accept("abc"));
  EXPECT_TRUE(matcher.may_end());
}

TEST(GrammarMatcher, AllowsEndTokensExactlyWhereTheTextMayEnd) {
  // Token 1 is text, too, but as an end token it counts as that only.
  GrammarMatcher matcher(compile_guide(test::regex("ab?"), trie_of({"a", "b", ""})), {1, 2});
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{0}));
  EXPECT_FALSE(matcher.accept_token(2));
  EXPECT_TRUE(matcher.accept_token(0));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{1, 2}));
  EXPECT_FALSE(matcher.ended());
  EXPECT_TRUE(matcher.accept_token(1));
  EXPECT_TRUE(matcher.ended());
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{}));
  EXPECT_FALSE(matcher.accept_token(1));
  EXPECT_FALSE(matcher.accept("b"));
}

TEST(GrammarMatcher, SaysWhenTheVocabularyCannotGoOn) {
  GrammarMatcher matcher(compile_guide(test::regex("ax|b"), trie_of({"a", "b"})), {});
  EXPECT_TRUE(matcher.accept_token(0));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{}));
  EXPECT_FALSE(matcher.may_end());
}

TEST(GrammarMatcher, CopiesGoTheirOwnWays) {
  GrammarMatcher one(compile_guide(test::regex("a(b|c)d"), test::byte_trie()), {});
  ASSERT_TRUE(one.accept("a"));
  GrammarMatcher other = one;
  EXPECT_TRUE(one.accept("bd"));
  EXPECT_TRUE(other.accept("c"));
  EXPECT_TRUE(one.may_end());
  EXPECT_FALSE(other.may_end());
  EXPECT_TRUE(other.accept("d"));
}

TEST(GrammarMatcher, TakesCharactersThatAreSplitOverTokens) {
  // 你 is E4 BD A0; é is C3 A9.
  const auto trie = trie_of({"\xE4", "\xBD\xA0", "\xBD", "\xA0", "\xC3", "\xA9", "\xE4\xBD\xA0", "\xA0\xC3"});
  GrammarMatcher matcher(compile_guide(test::regex("[你好]é?"), trie), {});
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{0, 6}));
  EXPECT_TRUE(matcher.accept_token(0));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{1, 2}));
  EXPECT_TRUE(matcher.accept_token(2));
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{3, 7}));
  EXPECT_TRUE(matcher.accept_token(7));
  EXPECT_FALSE(matcher.may_end());
  EXPECT_EQ(allowed_ids(matcher), (std::vector<int32_t>{5}));
  EXPECT_TRUE(matcher.accept_token(5));
  EXPECT_TRUE(matcher.may_end());
}

/// Every mask on random ways of so many steps through the guide against each token tried by itself.
void compare_with_each_token(const GuideSpec& spec, const std::shared_ptr<const TokenTrie>& trie, int rounds,
                             int steps = 12) {
  std::mt19937 random(7);
  const auto guide = compile_guide(spec, trie);
  for (int round = 0; round < rounds; ++round) {
    GrammarMatcher matcher(guide, {trie->vocab_size()});
    for (int step = 0; step < steps; ++step) {
      std::vector<uint64_t> mask(static_cast<size_t>(trie->vocab_size()) / 64 + 1);
      if (!matcher.allowed(mask)) break;
      EXPECT_EQ(has_bit(mask, trie->vocab_size()), matcher.may_end());
      std::vector<int32_t> ids;
      for (int32_t id = 0; id < trie->vocab_size(); ++id) {
        GrammarMatcher probe = matcher;
        const bool accepted = probe.accept_token(id);
        ASSERT_EQ(has_bit(mask, id), accepted) << spec.text << " and the token " << trie->bytes_of(id);
        if (accepted) ids.push_back(id);
      }
      if (ids.empty()) break;
      ASSERT_TRUE(matcher.accept_token(ids[random() % ids.size()]));
    }
  }
}

const std::vector<GuideSpec>& some_guides() {
  static const std::vector<GuideSpec> kGuides = {
      {},
      test::json_schema(
          R"({"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "grün", "绿"]}}}, "required": ["name"]})"),
      test::regex(R"([A-Z][a-z]{2,8}( [a-z]+){1,3}[.!?]|\d+(\.\d+)?|[一-龥]{2,4})"),
      test::gbnf("root ::= expr\nexpr ::= term ([-+] term)*\nterm ::= [0-9]+ | \"(\" expr \")\"\n"),
      test::choice({"Once upon a time", "Once", "one", "从前", "从来"})};
  return kGuides;
}

TEST(GrammarMatcher, MasksAreWhatEachTokenByItselfGives) {
  const auto trie = test::demo_trie();
  for (const GuideSpec& spec : some_guides()) compare_with_each_token(spec, trie, 3);
}

TEST(GrammarMatcher, WalksWithASentencePieceVocabularyToo) {
  const Tokenizer tokenizer = load_tokenizer(test::fixture("tokenizers/sentencepiece")).value();
  const auto trie = std::make_shared<const TokenTrie>(tokenizer);
  for (const GuideSpec& spec : some_guides()) compare_with_each_token(spec, trie, 3);
}

TEST(GrammarMatcher, MasksInCountedRepetitionsAreWhatEachTokenByItselfGives) {
  // Tokens of up to five bytes, so that a count's ends come into reach and go out of it.
  const auto trie = trie_of({"a", "b",  "c",   "aa", "ab", "aab", "bc",  "abcab", "aaaaa", "ccc",  ",",
                             "x", "\"", "\"a", "[",  "]",  "a\"", ",\"", "\",",   "\"]",   "b\"]", "\",\"a"});
  for (const char* pattern : {"a{0,40}", "(?:ab|c){20,30}x", "(?:a{3,9}b){4,12}c{7,}", "(?:a?b?){0,20}x",
                              "(?:(?:a|bc){2,20},){3,9}", "a{12}b{12}", "(?:a{2}|c{30}){6,}x"}) {
    compare_with_each_token(test::regex(pattern), trie, 6, 60);
  }
  compare_with_each_token(test::json_schema(R"({"type": "string", "minLength": 15, "maxLength": 40})"), trie,
                          6, 60);
  compare_with_each_token(test::json_schema(R"({"type": "array", "minItems": 4, "maxItems": 12,
                            "items": {"type": "string", "maxLength": 8}})"),
                          trie, 6, 60);
}

TEST(GrammarMatcher, AMaskServesWhereverACountIsOutOfATokensReach) {
  for (const char* pattern :
       {"[ab]{0,2000}", "[ab]{2000}", "[ab]{1000,}", "(?:[ab]{90}){500}", "(?:[ab]c?){0,1500}x"}) {
    GrammarMatcher matcher(compile_guide(test::regex(pattern), trie_of({"a", "b", "ab", "baab", "c", "x"})),
                           {});
    for (int i = 0; i < 400; ++i) {
      (void)allowed_ids(matcher);
      ASSERT_TRUE(matcher.accept_token(i % 4));
    }
    EXPECT_GE(matcher.cost().cache_hits, 380U) << pattern;
  }
}

TEST(TokenTrie, HasNoSpecialTokens) {
  const Tokenizer tokenizer = load_tokenizer(test::source_dir() / "models" / "demo").value();
  const TokenTrie trie(tokenizer);
  int specials = 0;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.is_special(id)) continue;
    ++specials;
    EXPECT_EQ(trie.bytes_of(id), "");
  }
  EXPECT_GT(specials, 0);
  GrammarMatcher matcher(
      compile_guide(test::regex("(?:.|\n)*"), std::make_shared<const TokenTrie>(tokenizer)), {});
  for (const int32_t id : allowed_ids(matcher)) EXPECT_FALSE(tokenizer.is_special(id));
}

TEST(TokenTrie, TakesAByteFallbackTokenAsItsByte) {
  const Tokenizer tokenizer = load_tokenizer(test::fixture("tokenizers/sentencepiece")).value();
  const auto trie = std::make_shared<const TokenTrie>(tokenizer);
  std::optional<int32_t> newline;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.token_text(id) == "<0x0A>") newline = id;
  }
  ASSERT_TRUE(newline.has_value());
  GrammarMatcher matcher(compile_guide(test::regex("\\n"), trie), {});
  EXPECT_TRUE(matcher.accept_token(*newline));
  EXPECT_TRUE(matcher.may_end());
}

TEST(GrammarMatcher, CountsItsSteps) {
  GrammarMatcher matcher(compile_guide(test::regex("a*"), test::byte_trie()), {});
  for (int i = 0; i < 3; ++i) {
    (void)allowed_ids(matcher);
    ASSERT_TRUE(matcher.accept("a"));
  }
  EXPECT_EQ(matcher.cost().steps, 3U);
  EXPECT_GE(matcher.cost().cache_hits, 1U);
  EXPECT_GT(matcher.cost().seconds, 0.0);
}

TEST(GrammarMatcher, GoesOnWhenTheSharedStatesAreReplaced) {
  // Every place in this text is a state of its own, many more than a guide keeps.
  const auto guide = compile_guide(test::regex("(?:[ab](?:x{9999}|y{9999})){9}c"), test::byte_trie());
  GrammarMatcher first(guide, {});
  ASSERT_TRUE(first.accept("a" + std::string(5000, 'x')));
  GrammarMatcher second(guide, {});
  for (int i = 0; i < 9; ++i) {
    for (const char* begin : {"a", "b"}) {
      GrammarMatcher fork = second;
      EXPECT_TRUE(fork.accept(begin + std::string(9999, 'y')));
    }
    ASSERT_TRUE(second.accept("b" + std::string(9999, 'x')));
  }
  EXPECT_EQ(allowed_ids(second), (std::vector<int32_t>{'c'}));
  EXPECT_TRUE(second.accept("c"));
  EXPECT_TRUE(second.may_end());
  EXPECT_EQ(allowed_ids(first), (std::vector<int32_t>{'x'}));
  EXPECT_FALSE(first.accept("y"));
  EXPECT_TRUE(first.accept(std::string(4999, 'x') + "b"));
}

TEST(GrammarMatcher, SharesAGuideBetweenThreads) {
  const auto guide = compile_guide(some_guides()[1], test::demo_trie());
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&guide, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 5; ++i) (void)test::random_text(guide, random, 20);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(GuideLimits, DeeperNestingThanTheLimitIsNotAccepted) {
  const GuideSpec nested = test::gbnf("root ::= \"(\" root \")\" | \"x\"");
  EXPECT_TRUE(test::fits(nested, std::string(4000, '(') + "x" + std::string(4000, ')')));
  EXPECT_FALSE(test::begins(nested, std::string(5000, '(')));
  EXPECT_TRUE(test::begins({}, "{\"a\":" + std::string(1000, '[')));
  EXPECT_FALSE(test::begins({}, "{\"a\":" + std::string(5000, '[')));
}

TEST(GuideLimits, ARepetitionNeedsNoDepth) {
  EXPECT_TRUE(test::fits(test::gbnf("root ::= \"a\" root | \"b\""), std::string(100'000, 'a') + "b"));
  EXPECT_TRUE(test::fits(test::regex("(?:ab|c)*"), std::string(100'000, 'c')));
  EXPECT_TRUE(test::fits(test::regex("((a*)*)*"), std::string(1000, 'a')));
}

TEST(GuideLimits, TooManyReadingsAreAnErrorAndLeaveTheMatcherAsItWas) {
  GrammarMatcher matcher(compile_guide(test::regex("(?:a|aa){1,5000}"), test::byte_trie()), {});
  EXPECT_THAT(test::error_of([&] { (void)matcher.accept(std::string(9000, 'a')); }),
              testing::HasSubstr("the regular expression is too ambiguous"));
  EXPECT_FALSE(matcher.may_end());
  EXPECT_TRUE(matcher.accept("aa"));
  EXPECT_TRUE(matcher.may_end());
}

TEST(GuideLimits, HostileGuidesAreRefusedSoon) {
  using testing::HasSubstr;
  EXPECT_THAT(test::refusal(test::regex("(((a{9999}){9999}){9999}){9999}b{99999}")),
              HasSubstr("at most 10000"));
  EXPECT_EQ(test::refusal(test::regex("(((a{9999}){9999}){9999}){9999}")), "no Error");
  EXPECT_THAT(test::refusal(test::regex(std::string(600'000, 'a'))), HasSubstr("at most 524288"));
  EXPECT_THAT(test::refusal(test::regex(std::string(500'000, 'a'))), HasSubstr("symbols"));
  EXPECT_THAT(test::refusal(test::regex(std::string(1000, '(') + std::string(1000, ')'))),
              HasSubstr("nested"));
  EXPECT_THAT(test::refusal(test::gbnf("root ::= " + std::string(1000, '(') + std::string(1000, ')'))),
              HasSubstr("nested"));
  EXPECT_THAT(test::refusal(test::json_schema(std::string(100'000, '['))), HasSubstr("levels deep"));
  EXPECT_THAT(test::refusal(test::regex("\xFF")), HasSubstr("not valid UTF-8"));
}

}  // namespace
}  // namespace caravan
