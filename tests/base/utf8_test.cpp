#include "base/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caravan {
namespace {

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    std::string text;
    utf8_append(text, code_point);
    const size_t length = utf8_length_at(text, 0);
    if (is_surrogate) {
      ASSERT_EQ(length, 0U) << std::hex << static_cast<uint32_t>(code_point);
    } else {
      ASSERT_EQ(length, text.size()) << std::hex << static_cast<uint32_t>(code_point);
      ASSERT_EQ(utf8_decode(text, 0, length), code_point);
    }
  }
}

TEST(Utf8, RefusesWhatRfc3629DoesNotAllow) {
  const std::vector<std::string> invalid = {
      "\x80",              // a continuation byte alone
      "\xC0\x80",          // two bytes for NUL
      "\xC1\xBF",          // two bytes for what one holds
      "\xE0\x9F\xBF",      // three bytes for what two hold
      "\xF0\x8F\xBF\xBF",  // four bytes for what three hold
      "\xED\xA0\x80",      // a surrogate
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xF5\x80\x80\x80",
      "\xFF",
      "\xE2\x82",
      "\xF0\x9F\x98",
  };
  for (const std::string& text : invalid)
    EXPECT_EQ(utf8_first_invalid(text), 0U) << testing::PrintToString(text);
}

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(utf8_first_invalid("héllo 😀"), std::nullopt);
  EXPECT_EQ(utf8_first_invalid(""), std::nullopt);
  EXPECT_EQ(utf8_first_invalid("h\xC3\xA9\xC3"), 3U);
}

TEST(Utf8IncompleteTail, CountsTheBytesOfAnUnfinishedCharacter) {
  const std::string smile = "😀";
  for (size_t kept = 0; kept < 4; ++kept)
    EXPECT_EQ(utf8_incomplete_tail(std::string("a").append(smile, 0, kept)), kept);
  EXPECT_EQ(utf8_incomplete_tail("a😀"), 0U);
  EXPECT_EQ(utf8_incomplete_tail(""), 0U);
}

TEST(Utf8IncompleteTail, DoesNotWaitForWhatCanNeverBeFinished) {
  EXPECT_EQ(utf8_incomplete_tail("a\x80"), 0U);
  EXPECT_EQ(utf8_incomplete_tail("\xED\xA0"), 0U);  // would be a surrogate
  EXPECT_EQ(utf8_incomplete_tail("\xF4\x90"), 0U);  // would be above U+10FFFF
  EXPECT_EQ(utf8_incomplete_tail("\xC0"), 0U);
}

// The right-hand sides are what Python's bytes.decode("utf-8", "replace") gives.
TEST(Utf8Repaired, ReplacesEachMaximalInvalidPart) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(utf8_repaired("héllo 😀"), "héllo 😀");
  EXPECT_EQ(utf8_repaired("a\xFF"
                          "b"),
            std::string("a\xEF\xBF\xBD") + "b");
  EXPECT_EQ(utf8_repaired("\xE2\x82"
                          "a"),
            r + "a");
  EXPECT_EQ(utf8_repaired("\xF0\x9F\x98"), r);
  EXPECT_EQ(utf8_repaired("\xC0\x80"), r + r);
  EXPECT_EQ(utf8_repaired("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(utf8_repaired("\xF0\x80\x80\x41"), r + r + r + "A");
  EXPECT_EQ(utf8_repaired("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

}  // namespace
}  // namespace caravan
