// From ids to text as it is shown: never a broken character, never a part of a stop string.
#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "support/paths.h"
#include "text/detokenizer.h"
#include "text/stop_matcher.h"

namespace caravan {
namespace {

std::vector<Tokenizer> tokenizers() {
  std::vector<Tokenizer> all;
  for (const char* name : {"metaspace", "sentencepiece"}) {
    all.push_back(load_tokenizer(test::fixture(std::string("tokenizers/") + name)).value());
  }
  all.push_back(load_tokenizer(test::source_dir() / "models" / "demo").value());
  return all;
}

TEST(Detokenizer, GivesBackEveryTextInWholeCharacters) {
  const std::vector<std::string> texts = {"Once upon a time", "从前有一个女孩。", " two  spaces ",
                                          "👩‍👩‍👧‍👦 é\n\ttab", "a"};
  for (const Tokenizer& tokenizer : tokenizers()) {
    for (const std::string& text : texts) {
      Detokenizer detokenizer(tokenizer);
      std::string shown;
      for (const int32_t id : tokenizer.encode(text)) {
        const std::string piece = detokenizer.push(id);
        EXPECT_FALSE(utf8_first_invalid(piece).has_value()) << tokenizer.kind();
        shown += piece;
      }
      shown += detokenizer.flush();
      EXPECT_EQ(shown, text) << tokenizer.kind();
      EXPECT_EQ(shown, tokenizer.decode(tokenizer.encode(text)));
    }
  }
}

TEST(Detokenizer, ShowsOnlyValidUtf8WhateverTheIds) {
  std::mt19937 random(3);
  for (const Tokenizer& tokenizer : tokenizers()) {
    for (int round = 0; round < 200; ++round) {
      Detokenizer detokenizer(tokenizer);
      std::string shown;
      for (int i = 0; i < 20; ++i) {
        shown +=
            detokenizer.push(static_cast<int32_t>(random() % static_cast<unsigned>(tokenizer.vocab_size())));
        EXPECT_FALSE(utf8_first_invalid(shown).has_value());
      }
      EXPECT_FALSE(utf8_first_invalid(shown + detokenizer.flush()).has_value());
    }
  }
}

TEST(Detokenizer, LeavesOutTheFirstSpaceOfATextButNotOfItsContinuation) {
  const Tokenizer tokenizer = load_tokenizer(test::fixture("tokenizers/metaspace")).value();
  const std::vector<int32_t> ids = tokenizer.encode("the", {.add_special = false});
  Detokenizer first(tokenizer);
  Detokenizer continued(tokenizer, ids);
  std::string first_text;
  std::string continued_text;
  for (const int32_t id : ids) {
    first_text += first.push(id);
    continued_text += continued.push(id);
  }
  EXPECT_EQ(first_text, "the");
  EXPECT_EQ(continued_text, " the");
}

std::string shown(const std::vector<std::string>& stops, const std::vector<std::string>& pieces,
                  bool* stopped) {
  StopMatcher matcher(stops);
  std::string out;
  for (const std::string& piece : pieces) out += matcher.push(piece);
  *stopped = matcher.stopped();
  return *stopped ? out : out + matcher.flush();
}

TEST(StopMatcher, EndsBeforeAStopStringHoweverItIsCut) {
  const std::string text = "one two END three";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    bool stopped = false;
    EXPECT_EQ(shown({"END"}, {text.substr(0, cut), text.substr(cut)}, &stopped), "one two ") << cut;
    EXPECT_TRUE(stopped);
  }
}

TEST(StopMatcher, ShowsEverythingWhereNoneOccurs) {
  bool stopped = true;
  EXPECT_EQ(shown({"END", "x y"}, {"EN", "Dx", "", " E", "N"}, &stopped), "");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(shown({"END"}, {"E", "NE", "N"}, &stopped), "ENEN");
  EXPECT_FALSE(stopped);
}

TEST(StopMatcher, TakesTheFirstOfSeveral) {
  bool stopped = false;
  EXPECT_EQ(shown({"three", "two"}, {"one two three"}, &stopped), "one ");
}

TEST(StopMatcher, HoldsBackNoMoreThanItMust) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("abE"), "ab");
  EXPECT_EQ(matcher.push("x"), "Ex");
}

}  // namespace
}  // namespace caravan
