#include "models/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "models/llama.h"
#include "models/mixtral.h"

namespace caravan {

namespace {

struct Recorder {
  std::string_view architecture;
  Graph (*record)(const ModelConfig& config, Precision precision);
};

/// One for each architecture that models/config.cpp reads.
constexpr std::array<Recorder, 4> kRecorders = {{
    {"LlamaForCausalLM", record_llama},
    {"MistralForCausalLM", record_llama},
    {"MixtralForCausalLM", record_mixtral},
    {"Qwen2MoeForCausalLM", record_mixtral},
}};

}  // namespace

Graph record_model(const ModelConfig& config, Precision precision) {
  const auto* const found =
      std::find_if(kRecorders.begin(), kRecorders.end(),
                   [&config](const Recorder& each) { return each.architecture == config.architecture; });
  CARAVAN_CHECK(found != kRecorders.end());
  return found->record(config, std::move(precision));
}

}  // namespace caravan
