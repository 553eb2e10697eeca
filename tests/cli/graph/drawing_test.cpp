#include "cli/graph/drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/graph/layers.h"
#include "graph/passes/passes.h"
#include "models/llama.h"

namespace caravan::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = 10;
  config.hidden_size = 4;
  config.intermediate_size = 6;
  config.num_layers = 5;
  config.num_heads = 2;
  config.num_kv_heads = 1;
  config.head_dim = 2;
  return config;
}

TEST(SectionsOf, ShowOneOfLayersThatDoTheSame) {
  Graph graph = record_llama(small_config(), {});
  run_passes(graph);
  const std::vector<Section> sections = sections_of(graph);
  ASSERT_EQ(sections.size(), 4U);
  EXPECT_EQ(sections[0].layer, -1);
  EXPECT_EQ(sections[1].layer, 0);
  EXPECT_EQ(sections[1].alike, 4);
  // The last one computes fewer rows.
  EXPECT_EQ(sections[2].layer, 4);
  EXPECT_EQ(sections[2].alike, 1);
  EXPECT_EQ(sections[3].layer, -1);
  EXPECT_EQ(sections[3].end, graph.nodes.size());
}

TEST(SectionsOf, TakeARecordedGraphAsItIs) {
  const Graph graph = record_llama(small_config(), {});
  const std::vector<Section> sections = sections_of(graph);
  ASSERT_EQ(sections.size(), 4U);
  EXPECT_EQ(sections[1].alike, 4);  // after the last one, rows are taken
}

TEST(GraphSvg, NamesOpsWeightsAndThePlan) {
  Graph graph = record_llama(small_config(), {});
  run_passes(graph);
  const std::vector<uint64_t> bytes(graph.values.size(), 1000);
  const std::string svg = graph_svg(graph, plan_memory(graph, bytes), bytes, "a <b> & \xff");
  EXPECT_THAT(svg, HasSubstr("a &lt;b&gt; &amp; ?"));
  EXPECT_THAT(svg, HasSubstr("packed_linear + silu_mul"));
  EXPECT_THAT(svg, HasSubstr("model.layers.0.self_attn.q_proj+k_proj+v_proj.weight"));
  EXPECT_THAT(svg, HasSubstr("layers 1 to 3: the same again"));
  EXPECT_THAT(svg, HasSubstr("memory plan: "));
  EXPECT_THAT(svg, Not(HasSubstr("\"nan")));
}

}  // namespace
}  // namespace caravan::cli
