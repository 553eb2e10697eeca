#include "cli/flags/quantize_flags.h"

#include "base/error.h"

namespace caravan::cli {

namespace {

/// More inputs than any matrix of the family has.
constexpr int64_t kMaxGroupSize = 65536;

}  // namespace

std::vector<Option> quantize_options() {
  return {{"--quantize", "SCHEME", "round weights while loading: w8a8, w8a16, w4a8 or w4a16 (none)"},
          {"--group-size", "N", "inputs that share a scale, of w8a16 (all), w4a8 and w4a16 (128)"},
          {"--lm-head", "HOW", "with --quantize: int8, or keep its own dtype (int8)"},
          {"--sparsity", "SHARE", "with --quantize w8a8: first set weights to 0: 0.5 or 2:4 (none)"}};
}

std::optional<LoadQuantization> parse_quantize_flags(const Arguments& arguments) {
  const std::string name =
      arguments.choice("--quantize", {"none", "w8a8", "w8a16", "w4a8", "w4a16"}).value_or("none");
  std::optional<LoadQuantization> scheme = quantization_from_name(name);
  const std::optional<int64_t> group = arguments.integer("--group-size", 1, kMaxGroupSize);
  const std::optional<std::string> head = arguments.choice("--lm-head", {"int8", "keep"});
  if (group && (!scheme || name == "w8a8")) {
    fail("--group-size: found ", *group, " with --quantize ", name,
         ", expected w8a16, w4a8 or w4a16 beside it");
  }
  if (head && !scheme) fail("--lm-head: found ", *head, " without --quantize, expected a scheme beside it");
  if (group) scheme->weight.group = *group;
  if (head) scheme->head = *head == "int8";
  const std::string sparsity = arguments.choice("--sparsity", {"none", "0.5", "2:4"}).value_or("none");
  if (sparsity == "none") return scheme;
  if (name != "w8a8") {
    fail("--sparsity: found ", sparsity, " with --quantize ", name,
         ", expected w8a8 beside it, whose kernels alone skip zeros; caravan quantize prunes w8a16 too");
  }
  scheme->sparsity = sparsity_from_name(sparsity);
  return scheme;
}

Option dtype_option() {
  return {"--dtype", "TYPE", "fp32, fp16, bf16, or auto: as the checkpoint stores it (auto)"};
}

Option kv_cache_dtype_option() {
  return {"--kv-cache-dtype", "TYPE", "int8, or auto: as the checkpoint says, or its weights (auto)"};
}

LoadOptions parse_load_dtypes(const Arguments& arguments) {
  LoadOptions options;
  const std::string dtype = arguments.choice("--dtype", {"auto", "fp32", "fp16", "bf16"}).value_or("auto");
  if (dtype != "auto") options.dtype = dtype_from_name(dtype);
  const bool int8 = arguments.choice("--kv-cache-dtype", {"auto", "int8"}) == "int8";
  if (int8) options.kv_cache_dtype = DType::kI8;
  options.quantize = parse_quantize_flags(arguments);
  return options;
}

}  // namespace caravan::cli
