#include "models/config_rope.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "models/config_limits.h"

namespace caravan {

namespace {

constexpr std::array<std::pair<std::string_view, RopeScaling>, 5> kTypes = {{
    {"default", RopeScaling::kNone},
    {"linear", RopeScaling::kLinear},
    {"dynamic", RopeScaling::kDynamic},
    {"llama3", RopeScaling::kLlama3},
    {"yarn", RopeScaling::kYarn},
}};

/// The object that says how angles are scaled: rope_scaling if it says anything, else rope_parameters.
std::optional<JsonObject> scaling_object(const JsonObject& root) {
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    std::optional<JsonObject> object = root.object(name);
    if (object && !object->json().empty()) return object;
  }
  return std::nullopt;
}

RopeScaling read_type(const JsonObject& scaling) {
  for (const char* nested : {"full_attention", "sliding_attention"}) {
    if (scaling.has(nested)) scaling.wrong(nested, "no field of this name: every layer has the same rope");
  }
  const std::string field = scaling.has("rope_type") ? "rope_type" : "type";
  const std::string type = scaling.string_or(field, "default");
  for (const auto& [name, value] : kTypes) {
    if (type == name) return value;
  }
  scaling.wrong(field, "a rope type that Caravan supports: default, linear, dynamic, llama3 or yarn");
}

void refuse_partial_rotary(const JsonObject& object) {
  if (object.number_or("partial_rotary_factor", 0.0, kMaxRopeFactor, 1.0) != 1.0)
    object.wrong("partial_rotary_factor", "1, because LLaMA-family models rotate whole heads");
}

double read_factor(const JsonObject& scaling) { return scaling.number("factor", 1.0, kMaxRopeFactor); }

/// The length before scaling. At the root it wins, as Phi-3-like configs have it.
int64_t read_original(const JsonObject& root, const JsonObject& scaling, int64_t max_position) {
  const std::string field = "original_max_position_embeddings";
  const JsonObject& holder = root.has(field) ? root : scaling;
  return holder.integer_or(field, 1, kMaxPosition, max_position);
}

void read_llama3(const JsonObject& root, const JsonObject& scaling, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.factor = read_factor(scaling);
  rope.original_max_position = read_original(root, scaling, config.max_position);
  rope.low_freq_factor = scaling.number("low_freq_factor", 1e-3, kMaxRopeFactor);
  rope.high_freq_factor = scaling.number("high_freq_factor", 1e-3, kMaxRopeFactor);
  if (rope.high_freq_factor <= rope.low_freq_factor)
    scaling.wrong("high_freq_factor", "a number above low_freq_factor");
}

double read_yarn_attention_factor(const JsonObject& scaling, double factor) {
  if (scaling.has("attention_factor")) return scaling.number("attention_factor", 0.0, kMaxRopeFactor);
  const double mscale = scaling.number_or("mscale", 0.0, kMaxRopeFactor, 0.0);
  const double mscale_all_dim = scaling.number_or("mscale_all_dim", 0.0, kMaxRopeFactor, 0.0);
  if (mscale == 0.0 || mscale_all_dim == 0.0) return yarn_mscale(factor, 1.0);
  return yarn_mscale(factor, mscale) / yarn_mscale(factor, mscale_all_dim);
}

/// A number that is absent, null or 0 is `otherwise`.
double number_unless_zero(const JsonObject& scaling, const std::string& name, double otherwise) {
  const double value = scaling.number_or(name, 0.0, kMaxRopeFactor, otherwise);
  return value == 0.0 ? otherwise : value;
}

void read_yarn(const JsonObject& root, const JsonObject& scaling, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.original_max_position = read_original(root, scaling, config.max_position);
  const bool is_implied = !scaling.has("factor") && rope.original_max_position < config.max_position;
  rope.factor =
      is_implied ? static_cast<double>(config.max_position) / static_cast<double>(rope.original_max_position)
                 : read_factor(scaling);
  rope.attention_factor = read_yarn_attention_factor(scaling, rope.factor);
  rope.beta_fast = number_unless_zero(scaling, "beta_fast", rope.beta_fast);
  rope.beta_slow = number_unless_zero(scaling, "beta_slow", rope.beta_slow);
  if (rope.beta_fast < rope.beta_slow) scaling.wrong("beta_fast", "a number that is at least beta_slow");
  rope.truncate = scaling.boolean_or("truncate", rope.truncate);
}

/// `length` x factor, rounded down to whole tokens.
int64_t stretched(const JsonObject& scaling, int64_t length, double factor) {
  const double product = static_cast<double>(length) * factor;
  if (product > static_cast<double>(kMaxPosition)) {
    scaling.wrong("factor",
                  "one that gives a context of at most " + std::to_string(kMaxPosition) + " tokens");
  }
  return static_cast<int64_t>(product);
}

}  // namespace

void read_rope(const JsonObject& root, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.original_max_position = config.max_position;
  refuse_partial_rotary(root);
  const std::optional<JsonObject> scaling = scaling_object(root);
  const bool has_own_theta = scaling && scaling->has("rope_theta");
  rope.theta = (has_own_theta ? *scaling : root).number_or("rope_theta", kMinTheta, kMaxTheta, rope.theta);
  if (!scaling) return;

  refuse_partial_rotary(*scaling);
  rope.scaling = read_type(*scaling);
  switch (rope.scaling) {
    case RopeScaling::kNone:
    case RopeScaling::kDivisors:  // which only GGUF files have
      break;
    case RopeScaling::kDynamic:
      // Its formula has head_dim - 2 in a denominator.
      if (config.head_dim == 2) scaling->wrong("rope_type", "another type for a head_dim of 2");
      [[fallthrough]];
    case RopeScaling::kLinear:
      rope.factor = read_factor(*scaling);
      config.max_position = stretched(*scaling, config.max_position, rope.factor);
      break;
    case RopeScaling::kLlama3:
      read_llama3(root, *scaling, config);
      break;
    case RopeScaling::kYarn:
      read_yarn(root, *scaling, config);
      config.max_position =
          std::max(config.max_position, stretched(*scaling, rope.original_max_position, rope.factor));
      break;
  }
}

}  // namespace caravan
