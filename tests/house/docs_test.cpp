// The documents are true, as far as a machine can tell: every path that they name exists, and every flag.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "support/paths.h"

namespace caravan::house {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
    found.push_back((*at)[1].str());
  return found;
}

/// What `text` names in backticks or links as a path of the repository and is not below `root`, nor beside
/// the document.
std::vector<std::string> missing_paths(const std::string& text, const fs::path& root,
                                       const fs::path& folder) {
  std::vector<std::string> missing;
  std::vector<std::string> named = matches(
      text, "`((?:src|tests|models/demo|models/configs|docs|fuzz|scripts|cmake|\\.ci)/[A-Za-z0-9_./-]*)`");
  for (const std::string& link : matches(text, "\\]\\(([A-Za-z0-9_./-]+)\\)")) named.push_back(link);
  for (const std::string& path : named) {
    if (!fs::exists(root / path) && !fs::exists(folder / path)) missing.push_back(path);
  }
  return missing;
}

const std::vector<std::string>& documents() {
  static const std::vector<std::string> kDocuments = {"README.md",
                                                      "README.zh-CN.md",
                                                      "CONTRIBUTING.md",
                                                      "CHANGELOG.md",
                                                      "docs/architecture.md",
                                                      "docs/performance.md",
                                                      "docs/quantization.md",
                                                      "docs/ops.md",
                                                      "tests/reference/README.md",
                                                      "models/demo/README.md",
                                                      "bench/compare/README.md"};
  return kDocuments;
}

TEST(Documents, NameOnlyPathsThatExist) {
  for (const std::string& name : documents()) {
    const fs::path path = test::source_dir() / name;
    ASSERT_TRUE(fs::exists(path)) << name;
    EXPECT_THAT(missing_paths(text_of(path), test::source_dir(), path.parent_path()), testing::IsEmpty())
        << name;
  }
}

TEST(Documents, NameOnlyFlagsThatTheProgramHas) {
  std::string options = "\"--help\" \"--version\"";
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(test::source_dir() / "src" / "cli")) {
    if (entry.is_regular_file()) options += text_of(entry.path());
  }
  for (const std::string name : {"README.md", "README.zh-CN.md", "docs/architecture.md",
                                 "docs/performance.md", "docs/quantization.md"}) {
    for (const std::string& flag :
         matches(text_of(test::source_dir() / name), "(?:^|[ `])(--[a-z][a-z-]+)")) {
      // Neither is a flag: they stand for both spellings of all.
      if (flag == "--snake" || flag == "--kebab-case") continue;
      EXPECT_NE(options.find("\"" + flag + "\""), std::string::npos) << name << " names " << flag;
    }
  }
}

TEST(MissingPaths, AreFound) {
  const test::TemporaryFolder root;
  fs::create_directories(root / "src");
  static_cast<void>(root.write("here.md", ""));
  EXPECT_THAT(missing_paths("`src/` `src/gone.cpp` [a](here.md) [b](gone.md)", root.path(), root.path()),
              testing::ElementsAre("src/gone.cpp", "gone.md"));
}

}  // namespace
}  // namespace caravan::house
