#include "cli/load/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(const std::string& text) {
  return test::error_of([&text] { parse_trace(text, "t.jsonl"); });
}

TEST(Trace, IsReadLineByLine) {
  const std::vector<TraceRequest> trace = parse_trace(
      "{\"timestamp\": 0, \"input_length\": 1025, \"output_length\": 52, \"hash_ids\": [46, 47, 48]}\n"
      "{\"timestamp\": 27482.5, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [46], \"x\": "
      "1}\r\n"
      "{\"timestamp\": 27482.5, \"input_length\": 3, \"output_length\": 9}",
      "t.jsonl");
  ASSERT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace[0].input_length, 1025);
  EXPECT_EQ(trace[0].output_length, 52);
  EXPECT_THAT(trace[0].hash_ids, ElementsAre(46, 47, 48));
  EXPECT_EQ(trace[1].timestamp_ms, 27482.5);
  EXPECT_THAT(trace[2].hash_ids, IsEmpty());
}

TEST(Trace, NamesTheLineThatIsWrong) {
  const std::string good =
      "{\"timestamp\": 5, \"input_length\": 6, \"output_length\": 5, \"hash_ids\": [0]}\n";
  EXPECT_THAT(error_of(good + "{\n"), HasSubstr("t.jsonl, line 2"));
  EXPECT_THAT(error_of(good + "\n" + good), HasSubstr("t.jsonl, line 2: found an empty line"));
  EXPECT_THAT(error_of(good + good + "{\"timestamp\": 5, \"output_length\": 5}"),
              HasSubstr("t.jsonl, line 3: field \"input_length\""));
  EXPECT_THAT(error_of(good + "{\"timestamp\": 4, \"input_length\": 6, \"output_length\": 5}"),
              HasSubstr("t.jsonl, line 2: field \"timestamp\" is 4, which is before the line above"));
}

TEST(Trace, RefusesFieldsThatAreWrong) {
  EXPECT_THAT(error_of("{\"timestamp\": -1, \"input_length\": 6, \"output_length\": 5}"),
              HasSubstr("field \"timestamp\""));
  EXPECT_THAT(error_of("{\"timestamp\": 0, \"input_length\": 0, \"output_length\": 5}"),
              HasSubstr("field \"input_length\""));
  EXPECT_THAT(error_of("{\"timestamp\": 0, \"input_length\": 6, \"output_length\": \"5\"}"),
              HasSubstr("field \"output_length\""));
  EXPECT_THAT(error_of("{\"timestamp\": 0, \"input_length\": 6, \"output_length\": 5, \"hash_ids\": [-1]}"),
              HasSubstr("field \"hash_ids\""));
  EXPECT_THAT(error_of("{\"timestamp\": 0, \"input_length\": 513, \"output_length\": 5, \"hash_ids\": [1]}"),
              HasSubstr("has 1 ids, expected 2, one for each 512 of the 513 tokens"));
  EXPECT_THAT(error_of(""), HasSubstr("found no request"));
}

}  // namespace
}  // namespace caravan::load
