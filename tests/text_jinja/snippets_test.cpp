// The language, feature by feature, against the texts that Python's jinja2 rendered (snippets.py beside
// them).
#include <gmock/gmock.h>

#include "base/error.h"
#include "text/jinja/template.h"
#include "text_jinja/fixtures.h"

namespace caravan::jinja {
namespace {

struct Outcome {
  bool failed = false;
  std::string text;
};

Outcome render(const std::string& source, const Json& variables) {
  try {
    return {.failed = false, .text = Template(source, "t").render(variables, test::fixed_time())};
  } catch (const Error& error) {
    return {.failed = true, .text = error.what()};
  }
}

class Snippets : public testing::TestWithParam<std::string> {};

TEST_P(Snippets, RenderAsInPython) {
  const Json fixture = test::read_fixture("snippets.json");
  int compared = 0;
  for (const Json& snippet : fixture["snippets"]) {
    if (snippet["feature"] != GetParam()) continue;
    const std::string source = snippet["template"];
    const Outcome outcome = render(source, fixture["variables"]);
    const bool should_fail = snippet.contains("error");
    EXPECT_EQ(outcome.failed, should_fail)
        << source << "\ngives: " << outcome.text << "\nPython: " << snippet.dump();
    if (!should_fail) {
      EXPECT_EQ(outcome.text, snippet["text"].get<std::string>()) << source;
    }
    const bool is_raised = should_fail && snippet.contains("error") && snippet["error"].is_string();
    if (is_raised) {
      EXPECT_THAT(outcome.text, testing::HasSubstr(snippet["error"].get<std::string>())) << source;
    }
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

std::vector<std::string> features() {
  std::vector<std::string> names;
  const Json fixture = test::read_fixture("snippets.json");
  for (const Json& snippet : fixture["snippets"]) {
    const std::string feature = snippet["feature"];
    if (names.empty() || names.back() != feature) names.push_back(feature);
  }
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == ' ') c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Feature, Snippets, testing::ValuesIn(features()), test_name);

}  // namespace
}  // namespace caravan::jinja
