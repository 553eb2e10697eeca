#include "serve/api/text_event.h"

#include <gtest/gtest.h>

#include <random>

namespace caravan::serve {
namespace {

const Json::json_pointer kPlace("/choices/0/text");

Json body_of(const std::string& text) {
  // What stands around the text looks like it.
  return {{"id", R"("text":"")"},
          {"choices", Json::array({{{"index", 0}, {"text", text}, {"more", ""}}})},
          {"text", ""}};
}

TEST(TextEvent, HasTheBytesOfTheWholeEvent) {
  const TextEvent event(body_of("before"), kPlace);
  for (const std::string text :
       {"", " plain", "\"quoted\\\"", "line\nend\t\x01\x7f", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x90\xab"})
    EXPECT_EQ(event.with(text), sse_event(body_of(text)));
}

TEST(TextEvent, HasTheBytesOfTheWholeEventForAnyBytes) {
  const TextEvent event(body_of(""), kPlace);
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 6, ' ');
    for (char& byte : text) byte = static_cast<char>(random());
    ASSERT_EQ(event.with(text), sse_event(body_of(text))) << i;
  }
}

}  // namespace
}  // namespace caravan::serve
