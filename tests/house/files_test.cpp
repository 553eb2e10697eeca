// The house's rules for files, as far as a machine can read them.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/paths.h"

namespace caravan::house {
namespace {

namespace fs = std::filesystem;

void for_each_file(const std::string& folder,
                   const std::function<void(const fs::path&, const std::vector<std::string>&)>& visit) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(test::source_dir() / folder)) {
    const std::string extension = entry.path().extension().string();
    if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp")) continue;
    std::vector<std::string> lines;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    visit(entry.path(), lines);
  }
}

TEST(Files, HaveAtMost600Lines) {
  for (const char* folder : {"src", "tests", "fuzz"}) {
    for_each_file(folder, [](const fs::path& path, const std::vector<std::string>& lines) {
      EXPECT_LE(lines.size(), 600U) << path;
    });
  }
}

TEST(Headers, OpenWithWhatTheyAreAndOncePragma) {
  for_each_file("src", [](const fs::path& path, const std::vector<std::string>& lines) {
    if (path.extension() != ".h") return;
    ASSERT_FALSE(lines.empty()) << path;
    EXPECT_TRUE(lines[0].starts_with("// ")) << path << " opens with " << lines[0];
    EXPECT_NE(std::find(lines.begin(), lines.end(), "#pragma once"), lines.end()) << path;
  });
}

TEST(Models, AreWrittenInUnder150Lines) {
  for_each_file("src/models", [](const fs::path& path, const std::vector<std::string>& lines) {
    if (path.filename() == "llama.cpp") {
      EXPECT_LT(lines.size(), 150U) << path;
    }
  });
}

}  // namespace
}  // namespace caravan::house
