#include "cli/eval/texts.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::eval {
namespace {

/// What opening a file of these bytes throws, without the path of the file.
std::string refusal_of(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder.write("texts", bytes);
  const std::string error = test::error_of([&] { const TextFile file(path); });
  const size_t at = error.find(path.string());
  return at == std::string::npos ? error : error.substr(at + path.string().size());
}

TEST(TextFile, IsOneTextWhereItIsPlain) {
  const test::TemporaryFolder folder;
  TextFile file(folder.write("tale.txt", "Once\n\nupon {a} time"));
  EXPECT_FALSE(file.has_rows());
  EXPECT_EQ(file.count(), 1);
  for (int again = 0; again < 2; ++again) {
    const std::optional<Text> text = file.next();
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text, "Once\n\nupon {a} time");
    EXPECT_EQ(text->language, "");
    EXPECT_FALSE(file.next().has_value());
    file.rewind();
  }
}

TEST(TextFile, IsATextForEachRowOfJsonLines) {
  const test::TemporaryFolder folder;
  const auto path = folder.write(
      "tale.jsonl", "{\"text\": \"Once\", \"plot\": 3}\r\n{\"text\": \"从前\", \"language\": \"zh\"}");
  TextFile file(path);
  EXPECT_TRUE(file.has_rows());
  EXPECT_EQ(file.count(), 2);
  EXPECT_EQ(file.next()->text, "Once");
  const std::optional<Text> second = file.next();
  EXPECT_EQ(second->text, "从前");
  EXPECT_EQ(second->language, "zh");
  EXPECT_EQ(second->where, path.string() + ", line 2");
  EXPECT_FALSE(file.next().has_value());
  file.rewind();
  EXPECT_EQ(file.next()->text, "Once");
}

TEST(TextFile, SaysWhatIsWrongWithIt) {
  EXPECT_EQ(refusal_of(""), ": is empty");
  EXPECT_EQ(refusal_of("ab\xff"), ": byte 2 is not valid UTF-8, expected UTF-8 text");
  EXPECT_EQ(refusal_of("{\"text\": \"a\"}\n{\"prompt\": \"b\"}\n"),
            ", line 2: field \"text\" is missing, expected a string");
  EXPECT_EQ(refusal_of("{\"text\": 3}"), ", line 1: field \"text\" is the number 3, expected a string");
  EXPECT_EQ(refusal_of("{\"text\": \"a\", \"language\": \"all\"}"),
            ", line 1: field \"language\" is the string \"all\", expected a name that is not \"all\", which "
            "stands for all rows");
  EXPECT_NE(refusal_of("{\"text\": \"a\"}\n\n{\"text\": \"b\"}").find(", line 2"), std::string::npos);
}

TEST(CalibrationTexts, OfTheDemoModelHoldNoHeldOutStory) {
  const std::filesystem::path demo = test::source_dir() / "models" / "demo";
  std::vector<std::string> texts;
  TextFile calibration(demo / "calibration.jsonl");
  while (const std::optional<Text> text = calibration.next()) texts.push_back(text->text);
  EXPECT_EQ(texts.size(), 96U);
  TextFile held_out(demo / "heldout" / "stories.jsonl");
  while (const std::optional<Text> story = held_out.next()) {
    for (const std::string& text : texts)
      EXPECT_EQ(text.find(story->text), std::string::npos) << story->where;
  }
}

}  // namespace
}  // namespace caravan::eval
