#include <algorithm>
#include <array>

#include "base/error.h"
#include "checkpoint/quantized/config_methods.h"

namespace caravan {

namespace {

/// More entries than any model has matrices.
constexpr size_t kMaxPatterns = 100'000;
/// Each is tried on every module.
constexpr size_t kMaxExpressions = 1'000;

struct NamedStorage {
  std::string_view name;
  QuantStorage storage;
};

constexpr std::array<NamedStorage, 4> kFormats = {{
    {"dense", QuantStorage::kDense},
    {"int-quantized", QuantStorage::kBytes},
    {"naive-quantized", QuantStorage::kBytes},
    {"pack-quantized", QuantStorage::kPacked},
}};

/// The storage that field "format" of `fields` names.
QuantStorage parse_format(const JsonObject& fields) {
  const std::string name = fields.string("format");
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&name](const NamedStorage& known) { return known.name == name; });
  if (found == kFormats.end())
    fields.wrong("format", R"("int-quantized", "pack-quantized", "naive-quantized" or "dense")");
  return found->storage;
}

std::vector<ModulePattern> parse_patterns(const JsonObject& fields, const std::string& name) {
  std::vector<ModulePattern> patterns;
  const Json* entries = fields.array(name);
  if (entries == nullptr) return patterns;
  if (entries->size() > kMaxPatterns) {
    fields.wrong(name, "at most " + std::to_string(kMaxPatterns) + " names of modules");
  }
  const std::string where = fields.source() + ": field " + in_quotes(fields.path_of(name));
  size_t expressions = 0;
  for (const Json& entry : *entries) {
    if (!entry.is_string()) fields.wrong(name, "names of modules only, but it holds " + describe(entry));
    patterns.emplace_back(entry.get<std::string>(), where);
    if (patterns.back().kind() == ModulePattern::Kind::kExpression) ++expressions;
  }
  if (expressions > kMaxExpressions) {
    fields.wrong(name, "at most " + std::to_string(kMaxExpressions) + " regular expressions");
  }
  return patterns;
}

/// Throws Error unless the numbers are integers of one of the sizes.
int parse_integers(const JsonObject& args, bool allow_4_bits) {
  const int64_t bits = args.integer_or("num_bits", 1, 64, 8);
  if (bits != 8 && !(allow_4_bits && bits == 4)) args.wrong("num_bits", allow_4_bits ? "8 or 4" : "8");
  const std::string type = args.string_or("type", "int");
  if (type != "int" && type != "INT") args.wrong("type", "\"int\"");
  return static_cast<int>(bits);
}

/// The strategy, as the package infers it where it is not given.
std::string parse_strategy(const JsonObject& args) {
  const int64_t group = args.integer_or("group_size", -1, kMaxQuantGroup, 0);
  const std::string inferred = group > 0 ? "group" : group == -1 ? "channel" : "tensor";
  return args.string_or("strategy", inferred);
}

void parse_weights(const JsonObject& args, QuantScheme& scheme) {
  scheme.bits = parse_integers(args, true);
  scheme.symmetric = args.boolean_or("symmetric", true);
  if (args.boolean_or("dynamic", false)) args.wrong("dynamic", "false for weights");
  const std::string strategy = parse_strategy(args);
  if (strategy == "tensor") {
    scheme.sharing = ScaleSharing::kTensor;
  } else if (strategy == "channel") {
    scheme.sharing = ScaleSharing::kChannel;
  } else if (strategy == "group") {
    scheme.sharing = ScaleSharing::kGroup;
    scheme.group = args.integer("group_size", 1, kMaxQuantGroup);
  } else {
    args.wrong("strategy", R"("tensor", "channel" or "group")");
  }
  // "weight" changed how the numbers were found, not what they mean.
  const Json* order = args.find("actorder");
  if (order != nullptr && *order != false && *order != "weight" && *order != "static") {
    args.wrong("actorder", R"(null or "weight": inputs in an order of their own are not supported)");
  }
}

void parse_activations(const JsonObject& args, QuantScheme& scheme) {
  parse_integers(args, false);
  scheme.symmetric_activations = args.boolean_or("symmetric", true);
  const std::string strategy = parse_strategy(args);
  if (args.boolean_or("dynamic", false)) {
    if (strategy != "token") args.wrong("strategy", "\"token\" where activations are dynamic");
    scheme.activations =
        scheme.symmetric_activations ? ActivationQuant::kSymmetric : ActivationQuant::kPerToken;
  } else {
    if (strategy != "tensor") args.wrong("strategy", "\"tensor\" where activations are static");
    scheme.activations = ActivationQuant::kStatic;
  }
}

QuantScheme parse_scheme(const JsonObject& group, const JsonObject& fields) {
  QuantScheme scheme;
  const std::optional<JsonObject> weights = group.object("weights");
  const std::optional<JsonObject> activations = group.object("input_activations");
  if (group.has("output_activations"))
    group.wrong("output_activations", "null: quantised outputs are not supported");
  if (!weights && !activations) return scheme;
  if (!weights) group.wrong("weights", "an object: activations alone are not quantised");
  scheme.storage = parse_format(group.has("format") ? group : fields);
  parse_weights(*weights, scheme);
  if (!activations) return scheme;
  parse_activations(*activations, scheme);
  if (scheme.bits == 8 && scheme.sharing == ScaleSharing::kGroup)
    group.wrong("input_activations", "null where weights of 8 bits have scales for groups of inputs");
  return scheme;
}

KvCacheQuant parse_kv_cache(const JsonObject& args) {
  parse_integers(args, false);
  if (!args.boolean_or("symmetric", true)) args.wrong("symmetric", "true for the KV cache");
  KvCacheQuant quant;
  quant.dynamic = args.boolean_or("dynamic", false);
  const std::string strategy = parse_strategy(args);
  if (quant.dynamic) {
    if (strategy != "token") args.wrong("strategy", "\"token\" where the KV cache is dynamic");
  } else {
    if (strategy != "tensor" && strategy != "attn_head")
      args.wrong("strategy", R"("tensor" or "attn_head" where the KV cache is static)");
    quant.per_head = strategy == "attn_head";
  }
  return quant;
}

/// Of a matrix with fewer zeros, the bits that say where they are take as much as they do.
constexpr double kLeastSparsity = 0.125;

void parse_sparsity(const JsonObject& fields, CompressedTensorsConfig& config) {
  const std::optional<JsonObject> sparsity = fields.object("sparsity_config");
  if (!sparsity || sparsity->json().empty()) return;
  const std::string format = sparsity->string("format");
  if (format != "sparse-bitmask" && format != "dense")
    sparsity->wrong("format", R"("sparse-bitmask" or "dense")");
  const double share = sparsity->number_or("global_sparsity", 0.0, 1.0, 0.0);
  config.bitmask = format == "sparse-bitmask";
  config.pruned = format == "dense" && share > kLeastSparsity;
}

/// Throws Error if the object `name` asks for something.
void require_nothing(const JsonObject& fields, const std::string& name, const std::string& what) {
  const std::optional<JsonObject> object = fields.object(name);
  if (!object || object->json().empty() || object->string_or("format", "") == "dense") return;
  fields.wrong(name, "none: " + what + " not supported");
}

}  // namespace

CompressedTensorsConfig parse_compressed_tensors_config(const JsonObject& fields) {
  constexpr std::array<std::string_view, 5> kStates = {"initialized", "calibration", "frozen", "compressed",
                                                       "decompressed"};
  // How far the tool was that wrote the file. What is stored says the same, and is what is checked.
  const std::string state = fields.string_or("quantization_status", "compressed");
  if (std::find(kStates.begin(), kStates.end(), state) == kStates.end())
    fields.wrong("quantization_status", "\"compressed\"");
  require_nothing(fields, "transform_config", "transforms of activations are");
  require_nothing(fields, "moe_sparsity_config", "pruned experts are");

  CompressedTensorsConfig config;
  const std::optional<JsonObject> groups = fields.object("config_groups");
  if (!groups) fields.wrong("config_groups", "an object of schemes");
  for (const auto& [name, value] : groups->json().items()) {
    const std::optional<JsonObject> group = groups->object(name);
    if (!group) groups->wrong(name, "an object");
    config.groups.push_back({parse_patterns(*group, "targets"), parse_scheme(*group, fields)});
  }
  config.ignore = parse_patterns(fields, "ignore");
  parse_sparsity(fields, config);
  if (const std::optional<JsonObject> kv_cache = fields.object("kv_cache_scheme"))
    config.kv_cache = parse_kv_cache(*kv_cache);
  return config;
}

}  // namespace caravan
