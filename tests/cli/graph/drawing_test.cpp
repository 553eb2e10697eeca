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

/// Five layers that only add both things that the one before made and norm the sum, and once more the same.
Graph graph_of_add_norms() {
  GraphBuilder builder({});
  ValueId x = builder.embedding({"table"}, 10, 4);
  ValueId y = builder.rms_norm(x, "model.norm_before.weight", 1e-5);
  for (int i = 0; i < 5; ++i) {
    x = builder.add(x, y);
    y = builder.rms_norm(x, "model.layers." + std::to_string(i) + ".norm.weight", 1e-5);
  }
  Graph graph = builder.finish(builder.rms_norm(builder.add(x, y), "model.norm.weight", 1e-5));
  EXPECT_EQ(fuse_add_norm(graph), 6);
  return graph;
}

TEST(GraphSvg, ShowsBothOutputsOfAnOpAndWhereEachLies) {
  const Graph graph = graph_of_add_norms();
  const std::vector<uint64_t> bytes(graph.values.size(), 1000);
  const std::string svg = graph_svg(graph, plan_memory(graph, bytes), bytes, "");
  EXPECT_THAT(svg, HasSubstr("layers 1 to 4: the same again"));
  EXPECT_THAT(svg, HasSubstr(">fp32 [tokens, 4], fp32 [tokens, 4]</text>"));
  const auto count = [&svg](const std::string& part) {
    int found = 0;
    for (size_t at = svg.find(part); at != std::string::npos; at = svg.find(part, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("class=\"tenant\"><title>add_rms_norm fp32 [tokens, 4]"), 2 * 6);
  // To the norm before the layers, twice to the first layer, and twice from its box, which stands for the
  // last one's, to the end.
  EXPECT_EQ(count("marker-end="), 1 + 2 + 2);
}

}  // namespace
}  // namespace caravan::cli
