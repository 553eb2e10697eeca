#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan {
namespace {

TEST(Fail, StreamsItsPartsIntoOneSentence) {
  EXPECT_EQ(test::error_of([] { fail("a.json: field ", in_quotes("x"), " is ", 3, ", expected ", 2.5); }),
            "a.json: field \"x\" is 3, expected 2.5");
}

TEST(InQuotes, KeepsOrdinaryTextInAnyLanguage) {
  EXPECT_EQ(in_quotes("model.norm"), "\"model.norm\"");
  EXPECT_EQ(in_quotes("模型 é"), "\"模型 é\"");
  EXPECT_EQ(in_quotes(""), "\"\"");
}

TEST(InQuotes, ShowsControlCharactersAndInvalidBytesAsHex) {
  EXPECT_EQ(in_quotes("a\nb\x7f"), "\"a\\x0ab\\x7f\"");
  EXPECT_EQ(in_quotes("a\x1b[31m"), "\"a\\x1b[31m\"");
  EXPECT_EQ(in_quotes(std::string("\0", 1)), "\"\\x00\"");
  EXPECT_EQ(in_quotes("\xff\xe2\x82"), "\"\\xff\\xe2\\x82\"");
}

TEST(InQuotes, CutsLongTextWithoutSplittingACharacter) {
  EXPECT_EQ(in_quotes(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
  EXPECT_EQ(in_quotes(std::string(81, 'a')), "\"" + std::string(80, 'a') + "…\"");
  EXPECT_EQ(in_quotes(std::string(79, 'a') + "型型"), "\"" + std::string(79, 'a') + "型…\"");
}

TEST(CheckDeathTest, PrintsBothValuesAndAborts) {
  const int found = 3;
  EXPECT_DEATH(CARAVAN_CHECK_EQ(found, 4), "bug at .*error_test.cpp.*found == 4, found 3 and 4");
  EXPECT_DEATH(CARAVAN_CHECK(found > 4), "bug at .*error_test.cpp.*found > 4");
}

}  // namespace
}  // namespace caravan
