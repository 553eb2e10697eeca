#include "cli/bench/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/bench/samples.h"

namespace caravan::cli {
namespace {

using test::sample_row;
using testing::HasSubstr;
using testing::Not;

size_t count_of(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Whether every tag is closed in its turn and every value of an attribute ends.
bool is_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at)) {
    const size_t end = svg.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = svg.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos || count_of("\"", tag) % 2 != 0) return false;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    at = end;
  }
  return open.empty();
}

TEST(Plot, IsWellFormedAndHoldsItsLabels) {
  const std::string svg = plot_svg({sample_row(1), sample_row(4), sample_row(16)}, "some model, 2 threads");
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_TRUE(svg.starts_with("<svg xmlns="));
  for (const char* label :
       {">some model, 2 threads<", ">Latency<", ">Throughput<", ">decode step, median (ms)<",
        ">decode throughput (tokens/s)<", ">batch size (sequences)<", ">bf16 eager, 512 tokens in<", ">1<",
        ">4<", ">16<"}) {
    EXPECT_THAT(svg, HasSubstr(label));
  }
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(Plot, HasAPointForEachRowInBothPanelsAndADashedLimit) {
  const std::string svg = plot_svg({sample_row(16), sample_row(1), sample_row(4)}, "");
  // Two more stand in the legend.
  EXPECT_EQ(count_of("<circle", svg), 2U * 3 + 2);
  EXPECT_EQ(count_of("stroke-dasharray", svg), 2U + 1);
}

TEST(Plot, DrawsTheLimitThatModesShareOnce) {
  BenchFigures other = sample_row(1);
  other.at.mode = "max-autotune";
  const std::string svg = plot_svg({sample_row(1), other}, "");
  EXPECT_EQ(count_of("stroke-dasharray", svg), 2U + 1);
  EXPECT_THAT(svg, HasSubstr(">bf16 max-autotune, 512 tokens in<"));
}

TEST(Plot, HasALineOfItsOwnForEachOutputLength) {
  BenchFigures longer = sample_row(1);
  longer.at.output = 256;
  const std::string svg = plot_svg({sample_row(1), longer}, "");
  EXPECT_THAT(svg, HasSubstr(">bf16 eager, 512 tokens in, 128 out<"));
  EXPECT_THAT(svg, HasSubstr(">bf16 eager, 512 tokens in, 256 out<"));
}

TEST(Plot, EscapesItsTitle) {
  const std::string svg = plot_svg({sample_row(1)}, "</svg> & \"\xFF\x01");
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("&lt;/svg&gt; &amp; &quot;?"
                             "?<"));
}

TEST(Plot, SaysWhereNothingWasDecoded) {
  BenchFigures bare = sample_row(1);
  bare.decode.reset();
  const std::string svg = plot_svg({bare}, "");
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, HasSubstr("no decode step was measured"));
}

}  // namespace
}  // namespace caravan::cli
