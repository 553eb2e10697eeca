#include "cli/show/fields.h"

#include <gtest/gtest.h>

#include "cli/show/table.h"

namespace caravan::cli {
namespace {

TEST(Fields, AreOneJsonObject) {
  EXPECT_EQ(json_object({{"a", 1}, {"b", nullptr}}).dump(), "{\"a\":1,\"b\":null}");
  EXPECT_TRUE(or_null(std::optional<int>()).is_null());
}

TEST(Fields, AreCsvWithQuotesWhereTheyMatter) {
  EXPECT_EQ(csv_of({{{"a", 1}, {"b", "x"}}, {{"a", nullptr}, {"b", "say \"x\", y\nz"}}}),
            "a,b\n1,x\n,\"say \"\"x\"\", y\nz\"\n");
}

TEST(JsonText, HoldsBytesThatAreNotUtf8) { EXPECT_EQ(json_text("a\xFF"), "\"a\xEF\xBF\xBD\"\n"); }

TEST(NumberText, HasAboutFourDigits) {
  EXPECT_EQ(number_text(1.23456), "1.235");
  EXPECT_EQ(number_text(12.3456), "12.35");
  EXPECT_EQ(number_text(123.456), "123.5");
  EXPECT_EQ(number_text(12345.6), "12346");
  EXPECT_EQ(number_text(std::nullopt), "-");
}

}  // namespace
}  // namespace caravan::cli
