// Mixtures of experts on their way through the quantiser: every expert by the tokens that it is sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/model.h"
#include "quantize/quantize_checkpoint.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan {
namespace {

using testing::HasSubstr;

/// Texts that send tokens to every expert, in ids of the fixtures' vocabulary.
std::vector<std::vector<int32_t>> texts() {
  std::vector<std::vector<int32_t>> all(8);
  for (size_t text = 0; text < all.size(); ++text)
    for (int32_t i = 0; i < 40; ++i) all[text].push_back((i * i * 7 + static_cast<int32_t>(text) * 13) % 131);
  return all;
}

QuantizeOptions options_of(std::string_view scheme, bool gptq) {
  QuantizeOptions options;
  options.scheme = quantization_from_name(scheme).value();
  options.scheme.weight.group = 0;
  options.gptq = gptq;
  return options;
}

struct Made {
  std::vector<MatrixResult> results;
  Model model;
};

/// The fixture quantised, and loaded as a compiled mode wants it.
Made make(const std::string& fixture, const QuantizeOptions& options) {
  const test::TemporaryFolder folder;
  const SourceCheckpoint source(test::fixture("models/" + fixture));
  QuantizedFolderWriter writer(folder / "made");
  const auto quiet = [](const std::string&) {};
  const std::vector<std::vector<int32_t>> calibration =
      options.needs_text() ? texts() : std::vector<std::vector<int32_t>>{};
  std::vector<MatrixResult> results = quantize_checkpoint({source, options, calibration, quiet}, writer);
  return {std::move(results), load_model(folder / "made", {.dtype = {}, .compile = true})};
}

class QuantizeExperts : public testing::TestWithParam<std::string> {};

TEST_P(QuantizeExperts, WritesWhatLoadsWithEveryExpertInNumbersAndTheRouterAsItIs) {
  QuantizeOptions smooth = options_of("w8a8", false);
  smooth.smooth = 0.5F;
  for (const QuantizeOptions& options :
       {options_of("w8a8", false), options_of("w4a16", true), options_of("w8a8", true), smooth}) {
    const Made made = make(GetParam(), options);
    int64_t plain = 0;
    for (const MatrixResult& result : made.results) {
      EXPECT_TRUE(std::isfinite(result.error)) << result.name;
      if (!result.format) {
        ++plain;
        EXPECT_THAT(result.name, HasSubstr("gate.weight"));
      } else {
        EXPECT_GT(result.error, 0.0) << result.name;
      }
    }
    EXPECT_GT(plain, 0);
    for (const WeightSpec& spec : made.model.graph.weights)
      EXPECT_TRUE(spec.format.has_value() || spec.experts == 1) << spec.sources.front().names.front();
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, QuantizeExperts, testing::Values("mixtral", "qwen2_moe"),
                         [](const auto& test) { return test.param; });

TEST(QuantizeExpertsByGptq, LosesLessThanRounding) {
  QuantizeOptions rounding = options_of("w4a16", false);
  rounding.max_error = 1e6;  // asks for the errors of outputs, and for nothing else
  const auto error_of = [](const QuantizeOptions& options) {
    double squares = 0.0;
    for (const MatrixResult& result : make("mixtral", options).results)
      if (result.name.find(".experts.") != std::string::npos) squares += result.error * result.error;
    return std::sqrt(squares);
  };
  EXPECT_LT(error_of(options_of("w4a16", true)), 0.9 * error_of(rounding));
}

TEST(QuantizeExpertsFallBack, LeavesTheExpertsOfALayerAsTheyAreTogether) {
  QuantizeOptions options = options_of("w4a16", false);
  options.max_error = 0.5;
  const Made made = make("mixtral", options);
  int64_t plain = 0;
  for (const MatrixResult& result : made.results) plain += !result.format;
  EXPECT_GT(plain, 2);
  EXPECT_LT(plain, static_cast<int64_t>(made.results.size()));
}

TEST(QuantizeExpertsPlan, RefusesWhatNoKernelComputes) {
  const SourceCheckpoint source(test::fixture("models/mixtral"));
  QuantizeOptions some = options_of("w8a8", false);
  some.keep.emplace_back("model.layers.1.block_sparse_moe.experts.3.w2", "--keep");
  EXPECT_EQ(test::error_of([&] { plan_quantization(source, some); }),
            "--keep: means model.layers.1.block_sparse_moe.experts.3.w2.weight and not "
            "model.layers.1.block_sparse_moe.experts.0.w2.weight, expected all experts of a layer or none");
  QuantizeOptions all = options_of("w8a8", false);
  all.keep.emplace_back("re:.*layers.1.*experts.*", "--keep");
  const QuantizePlan plan = plan_quantization(source, all);
  EXPECT_GT(plan.matrices(), 0U);
  QuantizeOptions fixed = options_of("w8a8", false);
  fixed.scheme.rows.mode = ActivationQuant::kStatic;
  EXPECT_EQ(test::error_of([&] { plan_quantization(source, fixed); }),
            "--act: found static for a MixtralForCausalLM, whose experts share one input, expected dynamic");
}

}  // namespace
}  // namespace caravan
