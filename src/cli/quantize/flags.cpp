#include "cli/quantize/flags.h"

#include "base/error.h"
#include "cli/quantize/command.h"

namespace caravan::cli {

namespace {

/// Tokens of the calibration text that are used: more cost time and memory, and change little.
constexpr int64_t kCalibrationTokens = 16384;
constexpr int64_t kMaxCalibrationTokens = int64_t{1} << 22U;
/// SmoothQuant's middle way, which its authors found best for LLaMA-like models.
constexpr float kSmoothAlpha = 0.5F;

bool has_rows(const QuantizeOptions& options) { return options.scheme.rows.mode != ActivationQuant::kNone; }

LoadQuantization scheme_of(const Arguments& arguments) {
  const std::optional<std::string> name = arguments.choice("--scheme", {"w8a8", "w8a16", "w4a8", "w4a16"});
  if (!name) fail("--scheme: is missing, expected w8a8, w8a16, w4a8 or w4a16");
  LoadQuantization scheme = *quantization_from_name(*name);
  if (const auto act = arguments.choice("--act", {"dynamic", "static"})) {
    if (scheme.rows.mode == ActivationQuant::kNone) {
      fail("--act: found ", *act, " with --scheme ", *name,
           ", whose activations stay as they are, expected w8a8 or w4a8");
    }
    if (*act == "static") scheme.rows.mode = ActivationQuant::kStatic;
  }
  const bool rows = scheme.rows.mode != ActivationQuant::kNone;
  if (const auto group = arguments.choice("--group-size", {"32", "64", "128", "channel"})) {
    if (*name == "w8a8" && *group != "channel") {
      fail("--group-size: found ", *group,
           " with --scheme w8a8, whose weights have a scale for each output, expected another scheme");
    }
    scheme.weight.group = *group == "channel" ? 0 : std::stoll(*group);
  }
  const bool asymmetric = arguments.is_on("--asymmetric");
  if (asymmetric && arguments.is_on("--symmetric"))
    fail("--asymmetric: found beside --symmetric, expected one of the two");
  if (asymmetric && rows) {
    fail("--asymmetric: found with --scheme ", *name,
         ", whose weights have no zero points, expected w8a16 or w4a16");
  }
  scheme.weight.zero_points = asymmetric;
  scheme.head = arguments.choice("--lm-head", {"int8", "keep"}).value_or("int8") == "int8";
  return scheme;
}

/// --smooth alone, or --smooth=ALPHA.
std::optional<float> smooth_of(const Arguments& arguments, const QuantizeOptions& options) {
  const std::optional<std::string> given = arguments.text("--smooth");
  if (!given || given == "false") return std::nullopt;
  if (!has_rows(options)) {
    fail("--smooth: found with --scheme ", name_of(options.scheme),
         ", whose activations are not quantised, expected w8a8 or w4a8");
  }
  if (given == "true") return kSmoothAlpha;
  return static_cast<float>(*arguments.number("--smooth", 0.0, 1.0));
}

void add_sparsity(const Arguments& arguments, QuantizeOptions& options) {
  const std::optional<std::string> sparsity = arguments.choice("--sparsity", {"0.5", "2:4"});
  const std::optional<std::string> method = arguments.choice("--sparsity-method", {"magnitude", "wanda"});
  if (method && !sparsity) fail("--sparsity-method: found ", *method, " without --sparsity, expected both");
  if (!sparsity) return;
  if (options.scheme.weight.bits != 8 || options.scheme.weight.zero_points) {
    fail("--sparsity: found ", *sparsity, " with ",
         options.scheme.weight.zero_points ? "--asymmetric" : "4 bits",
         ", expected w8a8 or w8a16 with symmetric weights, in which a pruned weight is the number 0");
  }
  options.sparsity = sparsity_from_name(*sparsity);
  if (method == "wanda") options.sparsity_method = SparsityMethod::kWanda;
}

KvCacheChoice kv_cache_of(const Arguments& arguments) {
  const bool int8 = arguments.choice("--kv-cache", {"int8"}).has_value();
  const std::optional<std::string> scales = arguments.choice("--kv-cache-scales", {"dynamic", "static"});
  if (scales && !int8) fail("--kv-cache-scales: found ", *scales, " without --kv-cache int8, expected both");
  if (!int8) return KvCacheChoice::kAsItIs;
  return scales == "static" ? KvCacheChoice::kStatic : KvCacheChoice::kDynamic;
}

RangeMethod range_of(const Arguments& arguments, const QuantizeOptions& options) {
  const auto method = arguments.choice("--calib-method", {"minmax", "histogram", "percentile", "mse"});
  if (method && options.scheme.rows.mode != ActivationQuant::kStatic) {
    fail("--calib-method: found ", *method,
         " without static activations, whose ranges it is for, expected --act static beside it");
  }
  if (method == "histogram") return RangeMethod::kHistogram;
  if (method == "minmax") return RangeMethod::kMinMax;
  return method == "percentile" ? RangeMethod::kPercentile : RangeMethod::kLeastSquares;
}

QuantizeOptions options_of(const Arguments& arguments) {
  QuantizeOptions options;
  options.scheme = scheme_of(arguments);
  for (const std::string& name : arguments.texts("--keep")) options.keep.emplace_back(name, "--keep");
  options.range = range_of(arguments, options);
  options.smooth = smooth_of(arguments, options);
  options.gptq = arguments.is_on("--gptq");
  add_sparsity(arguments, options);
  options.kv_cache = kv_cache_of(arguments);
  options.max_error = arguments.number("--max-error", 0.0, 1e6);
  return options;
}

}  // namespace

const Command& quantize_command() {
  static const Command kCommand = {
      .name = "quantize",
      .summary = "Makes a quantised checkpoint: W8A8, W8A16, W4A8 or W4A16, and an int8 KV cache.",
      .usage = "MODEL --scheme SCHEME --output DIR [options]",
      .groups = {{"Numbers",
                  {{"--model-path", "DIR", "the same as MODEL: the folder of a checkpoint"},
                   {"--scheme", "SCHEME", "w8a8, w8a16, w4a8 or w4a16 (required)"},
                   {"--output", "DIR", "the new checkpoint's folder, which must not exist (required)"},
                   {"--group-size", "N", "inputs that share a scale: 32, 64, 128 or channel (4 bits: 128)"},
                   {"--symmetric", "", "weights without zero points (the default)"},
                   {"--asymmetric", "", "weights with zero points: w8a16 and w4a16"},
                   {"--act", "HOW", "8-bit activations: dynamic (each token's range) or static (dynamic)"},
                   {"--lm-head", "HOW", "the matrix of the logits: int8, or keep as it is (int8)"},
                   {"--kv-cache", "int8", "the checkpoint asks for int8 keys and values"},
                   {"--kv-cache-scales", "HOW",
                    "dynamic (each token's) or static (calibrated, each head's)"}}},
                 {"Methods",
                  {{"--gptq", "", "make up for rounding errors with the weights that follow (GPTQ)"},
                   {"--smooth", "", "move outliers into weights (SmoothQuant); or --smooth=ALPHA (0.5)"},
                   {"--sparsity", "SHARE", "set weights to 0: 0.5 of each output's, or 2:4"},
                   {"--sparsity-method", "HOW", "the least by magnitude, or by wanda (magnitude)"},
                   {"--keep", "LAYER", "leave it as it is: its name, or re: and an expression", true},
                   {"--max-error", "X", "leave the worst as they are until all errors together are X"}}},
                 {"Calibration",
                  {{"--calib-file", "FILE", "plain text, or JSON Lines with text (MODEL/calibration.jsonl)"},
                   {"--calib-tokens", "N", "tokens of it that are used (16384)"},
                   {"--calib-method", "HOW", "static ranges: mse, minmax, histogram or percentile (mse)"}}}},
      .aliases = {},
      .positional = "MODEL",
  };
  return kCommand;
}

QuantizeFlags parse_quantize_command(const Arguments& arguments) {
  QuantizeFlags flags;
  const std::optional<std::string> named = arguments.text("--model-path");
  if (named.has_value() == arguments.positional().has_value())
    fail("caravan quantize: expected the folder of one checkpoint, as in caravan quantize models/demo");
  flags.model = named ? *named : *arguments.positional();
  flags.options = options_of(arguments);
  const std::optional<std::string> output = arguments.text("--output");
  if (!output || output->empty()) fail("--output: is missing, expected the name of a new folder");
  flags.output = *output;
  if (std::error_code ignored; std::filesystem::exists(flags.output, ignored))
    fail("--output: ", flags.output.string(), " is there already, expected the name of a new folder");
  const std::optional<std::string> file = arguments.text("--calib-file");
  if (file && file->empty()) fail("--calib-file: found \"\", expected the name of a file");
  for (const char* flag : {"--calib-file", "--calib-tokens"}) {
    if (flags.options.needs_text() || !arguments.has(flag)) continue;
    fail(flag, ": found ", *arguments.text(flag),
         ", but nothing that was asked for needs a text, expected --gptq, --smooth, --act static, "
         "--kv-cache-scales static, --sparsity-method wanda or --max-error beside it");
  }
  flags.calibration = file;
  flags.calibration_tokens =
      arguments.integer("--calib-tokens", 1, kMaxCalibrationTokens).value_or(kCalibrationTokens);
  return flags;
}

}  // namespace caravan::cli
