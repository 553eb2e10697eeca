#include "cli/load/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/errors.h"

namespace caravan::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Parts = std::vector<std::string_view>;

/// The data of the events of `parts`, fed one after the other.
std::vector<std::string> events_of(const Parts& parts) {
  SseParser parser;
  std::vector<std::string> events;
  for (const std::string_view part : parts)
    parser.feed(part, [&events](const SseEvent& event) { events.push_back(event.data); });
  return events;
}

TEST(SseParser, EndsLinesAtLfCrLfAndCr) {
  EXPECT_THAT(events_of({"data: a\n\ndata: b\n\n"}), ElementsAre("a", "b"));
  EXPECT_THAT(events_of({"data: a\r\n\r\ndata: b\r\n\r\n"}), ElementsAre("a", "b"));
  EXPECT_THAT(events_of({"data: a\r\rdata: b\r\r"}), ElementsAre("a", "b"));
  EXPECT_THAT(events_of({"data: a\r\n\ndata: b\n\r\n"}), ElementsAre("a", "b"));
}

TEST(SseParser, TakesTheSameEventsHoweverTheBytesAreCut) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string line = ": a comment" + end + "event: x" + end + "data: {\"a\":" + end + "data:1}" +
                             end + end + "data: \xE2\x82\xAC" + end + end + "data: [DONE]" + end + end;
    for (size_t first = 0; first <= line.size(); ++first) {
      for (size_t second = first; second <= line.size(); ++second) {
        const std::string_view whole = line;
        ASSERT_THAT(
            events_of({whole.substr(0, first), whole.substr(first, second - first), whole.substr(second)}),
            ElementsAre("{\"a\":\n1}", "\xE2\x82\xAC", "[DONE]"))
            << first << " " << second;
      }
    }
  }
}

TEST(SseParser, JoinsDataLinesAndDropsOneBlankAfterTheColon) {
  EXPECT_THAT(events_of({"data:a\ndata:  b\ndata\ndata: c\n\n"}), ElementsAre("a\n b\n\nc"));
}

TEST(SseParser, SkipsCommentsOtherFieldsAndEventsWithoutData) {
  EXPECT_THAT(events_of({": ping\n\nid: 3\nretry: 10\nother: x\n\nevent: y\n\ndata: a\n\n"}),
              ElementsAre("a"));
}

TEST(SseParser, TellsAnEventsName) {
  SseParser parser;
  std::vector<std::string> names;
  parser.feed("event: error\ndata: a\n\ndata: b\n\n",
              [&names](const SseEvent& event) { names.push_back(event.name); });
  EXPECT_THAT(names, ElementsAre("error", ""));
}

TEST(SseParser, SkipsAByteOrderMarkAtTheStartOnly) {
  EXPECT_THAT(events_of({"\xEF", "\xBB\xBF", "data: a\n\n\xEF\xBB\xBF", "data: b\n\n"}), ElementsAre("a"));
}

TEST(SseParser, KeepsAnIncompleteEventBack) {
  EXPECT_THAT(events_of({"data: a\n"}), IsEmpty());
  SseParser parser;
  const auto none = [](const SseEvent&) {};
  parser.feed(": x\n\n", none);
  EXPECT_FALSE(parser.in_event());
  parser.feed("data: a\n", none);
  EXPECT_TRUE(parser.in_event());
}

TEST(SseParser, RefusesAnEventWithoutAnEnd) {
  const std::string part(1U << 20U, 'a');
  SseParser parser;
  const auto feed_all = [&] {
    for (int i = 0; i < 17; ++i) parser.feed(part, [](const SseEvent&) {});
  };
  EXPECT_THAT(test::error_of(feed_all), HasSubstr("an event of more than 16777216 bytes"));
}

}  // namespace
}  // namespace caravan::load
