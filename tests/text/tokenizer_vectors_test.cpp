// The same ids as the original implementations: on llama.cpp's published vectors, and on the committed sample
// that tests/reference/compare_tokenizers.py made.
#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "support/paths.h"
#include "text/tokenizer.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split_at(const std::string& text, const std::string& mark) {
  std::vector<std::string> parts;
  size_t at = 0;
  for (size_t found = text.find(mark); found != std::string::npos; found = text.find(mark, at)) {
    parts.push_back(text.substr(at, found - at));
    at = found + mark.size();
  }
  parts.push_back(text.substr(at));
  return parts;
}

std::vector<int32_t> ids_in(const std::string& line) {
  std::istringstream in(line);
  std::vector<int32_t> ids;
  for (int32_t id = 0; in >> id;) ids.push_back(id);
  return ids;
}

void check_llama2_vectors(const Tokenizer& tokenizer) {
  const fs::path folder = *test::shared("tokenizers/vectors");
  const std::vector<std::string> texts =
      split_at(read_file(folder / "llama2-spm.inp", 1'000'000), "\n__ggml_vocab_test__\n");
  const std::vector<std::string> lines = split_at(read_file(folder / "llama2-spm.out", 1'000'000), "\n");
  ASSERT_GT(texts.size(), 40U);
  for (size_t i = 0; i + 1 < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(texts[i], {.add_special = false}), ids_in(lines.at(i)))
        << "text " << i << ": " << texts[i];
  }
}

/// LLaMA-2's tokenizer.json has the same model and tokenizer.model beside it; this folder has the model only.
TEST(TokenizerVectors, MatchWithTokenizerJson) {
  const std::optional<fs::path> folder = test::shared("tokenizers/llama2");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/tokenizers";
  check_llama2_vectors(load_tokenizer(*folder).value());
}

/// A long text is encoded in parts by SentencePiece, and whole by ours.
TEST(TokenizerVectors, AgreeOnLongTexts) {
  const std::optional<fs::path> folder = test::shared("tokenizers/llama2");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/tokenizers";
  const test::TemporaryFolder model_only;
  fs::copy(*folder / "tokenizer.model", model_only / "tokenizer.model");
  const std::string vectors = read_file(*test::shared("tokenizers/vectors") / "llama2-spm.inp", 1'000'000);
  std::string text;
  for (int i = 0; i < 20; ++i)
    text +=
        "Once upon a time  there was  \xE4\xBB\x8E\xE5\x89\x8D a fox, a1 b2 \xC2\xA0 e\xCC\x81 x " + vectors;
  ASSERT_GT(text.size(), 20'000U);
  EXPECT_EQ(load_tokenizer(model_only.path()).value().encode(text, {.add_special = true}),
            load_tokenizer(*folder).value().encode(text, {.add_special = true}));
}

TEST(TokenizerVectors, MatchWithSentencePiece) {
  const std::optional<fs::path> folder = test::shared("tokenizers/llama2");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/tokenizers";
  const test::TemporaryFolder model_only;
  fs::copy(*folder / "tokenizer.model", model_only / "tokenizer.model");
  check_llama2_vectors(load_tokenizer(model_only.path()).value());
}

/// Checks a committed sample: {"tokenizer": folder, "file": name, "texts": [...], "ids": [[...]]}.
void check_sample(const std::string& name, const fs::path& folder) {
  const fs::path path = test::fixture("tokenizers/" + name + ".json");
  const Json sample = parse_json(read_file(path, 10'000'000), path.string());
  const Tokenizer tokenizer = load_tokenizer(folder).value();
  ASSERT_GE(sample["texts"].size(), 100U);
  for (size_t i = 0; i < sample["texts"].size(); ++i) {
    const std::string text = sample["texts"][i].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, {.add_special = false}), sample["ids"][i].get<std::vector<int32_t>>())
        << "text " << i << ": " << text;
  }
}

TEST(TokenizerSample, MatchesOnTheDemoModel) { check_sample("demo", test::source_dir() / "models" / "demo"); }

TEST(TokenizerSample, MatchesOnASentencePieceLikeTokenizer) {
  check_sample("metaspace", test::fixture("tokenizers/metaspace"));
}

TEST(TokenizerSample, MatchesOnASentencePieceModel) {
  check_sample("sentencepiece", test::fixture("tokenizers/sentencepiece"));
}

TEST(TokenizerSample, MatchesOnLlama2) {
  const std::optional<fs::path> folder = test::shared("tokenizers/llama2");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/tokenizers";
  check_sample("llama2", *folder);
}

TEST(TokenizerSample, MatchesOnLlama3Ranks) {
  const std::optional<fs::path> folder = test::shared("tokenizers/llama3");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/tokenizers";
  check_sample("llama3", *folder);
}

}  // namespace
}  // namespace caravan
