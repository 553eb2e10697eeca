// The page is in the program, whole and as it stands in web/, and asks nothing of anybody else.
#include "serve/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "base/file.h"
#include "support/paths.h"

namespace caravan::page {
namespace {

namespace fs = std::filesystem;

/// The files of web/ that are the page's, by name.
std::map<std::string, std::string> files() {
  std::map<std::string, std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(test::source_dir() / "web")) {
    if (entry.path().extension() == ".json") continue;  // for Grafana
    found[entry.path().filename().string()] = read_file(entry.path(), 1U << 20U);
  }
  return found;
}

std::set<std::string> all_of(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
    found.insert((*at)[1].str());
  return found;
}

TEST(Page, HasEveryFileOfTheFolderAsItStandsThere) {
  for (const auto& [name, bytes] : files()) {
    const std::optional<Asset> asset = find_asset("/" + name);
    ASSERT_TRUE(asset.has_value()) << name;
    EXPECT_EQ(asset->bytes, bytes) << name;
    EXPECT_THAT(std::string(asset->etag), testing::MatchesRegex("\"[0-9a-f]+\""));
  }
}

TEST(Page, StandsAtTheRoot) {
  const std::optional<Asset> root = find_asset("/");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->bytes, find_asset("/index.html")->bytes);
  EXPECT_EQ(root->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(find_asset("/main.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(find_asset("/style.css")->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(find_asset("/icon.svg")->content_type, "image/svg+xml");
}

TEST(Page, FindsNothingElse) {
  for (const char* path : {"", "index.html", "/../web/index.html", "/nothing.js", "//main.js", "/main.js/",
                           "/grafana-dashboard.json"})
    EXPECT_FALSE(find_asset(path).has_value()) << path;
}

TEST(Page, EachFileHasAnEtagOfItsOwn) {
  std::set<std::string_view> etags;
  for (const auto& [name, bytes] : files()) etags.insert(find_asset("/" + name)->etag);
  EXPECT_EQ(etags.size(), files().size());
}

TEST(Page, NamesNoOutsideAddress) {
  for (const auto& [name, bytes] : files()) {
    std::set<std::string> addresses = all_of(bytes, R"re((\b[a-z]+://[^"'\s)]*))re");
    addresses.erase("http://www.w3.org/2000/svg");  // a namespace's name, which nobody fetches
    EXPECT_TRUE(addresses.empty()) << name << " names " << *addresses.begin();
    EXPECT_THAT(all_of(bytes, R"re(((?:src|href)="//[^"]*))re"), testing::IsEmpty()) << name;
  }
}

TEST(Page, EveryFileThatItNamesExists) {
  for (const auto& [name, bytes] : files()) {
    for (const std::string& path : all_of(bytes, R"re((?:src|href|from) ?=? ?"\.?(/[a-z_-]+\.[a-z]+)")re"))
      EXPECT_TRUE(find_asset(path).has_value()) << name << " names " << path;
  }
}

/// What the policy forbids would fail in the browser only.
TEST(Page, HasNoInlineScriptOrStyle) {
  const std::string html = files().at("index.html");
  EXPECT_FALSE(std::regex_search(html, std::regex(R"(<script(?![^>]*src=))")));
  EXPECT_FALSE(std::regex_search(html, std::regex(R"(<style|\sstyle=|\son[a-z]+=)")));
}

TEST(Page, NeverMakesMarkupOfText) {
  for (const auto& [name, bytes] : files()) {
    EXPECT_FALSE(std::regex_search(
        bytes, std::regex("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|\\beval\\(|DOMParser")))
        << name;
  }
}

/// The names of the texts of one language in strings.js.
std::set<std::string> texts_of(const std::string& source, const std::string& language) {
  const size_t begin = source.find("\n  " + language + ": {");
  return all_of(source.substr(begin, source.find("\n  },", begin) - begin), R"re(\n    ([A-Za-z0-9]+): ")re");
}

TEST(Strings, AreTheSameInBothLanguages) {
  const std::string source = files().at("strings.js");
  const std::set<std::string> english = texts_of(source, "en");
  EXPECT_GT(english.size(), 50U);
  EXPECT_EQ(english, texts_of(source, "zh"));
}

TEST(Strings, AreThereForAllThatThePageNames) {
  const std::set<std::string> known = texts_of(files().at("strings.js"), "en");
  std::set<std::string> used;
  for (const auto& [name, bytes] : files()) {
    for (const std::string& key : all_of(bytes, R"re(data-(?:text|label|title|placeholder)="([^"$]+)")re"))
      used.insert(key);
    for (const std::string& key : all_of(bytes, R"re("data-(?:text|label|title|placeholder)": "([^"$]+)")re"))
      used.insert(key);
    for (const std::string& key : all_of(bytes, R"re(\btext\("([A-Za-z0-9]+)")re")) used.insert(key);
  }
  EXPECT_GT(used.size(), 30U);
  for (const std::string& key : used) EXPECT_TRUE(known.contains(key)) << key;
}

TEST(Headers, LetThePageTalkToItsServerOnly) {
  EXPECT_THAT(std::string(kContentSecurityPolicy), testing::HasSubstr("default-src 'none'"));
  EXPECT_THAT(std::string(kContentSecurityPolicy), testing::Not(testing::HasSubstr("unsafe")));
  std::set<std::string_view> names;
  for (const auto& [name, value] : kPageHeaders) names.insert(name);
  EXPECT_TRUE(names.contains("X-Content-Type-Options"));
  EXPECT_TRUE(names.contains("Content-Security-Policy"));
}

}  // namespace
}  // namespace caravan::page
