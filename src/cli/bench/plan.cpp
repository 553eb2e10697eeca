#include "cli/bench/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "cli/bench/memory.h"
#include "cli/bench/run.h"
#include "cli/bench/search.h"
#include "models/precision.h"

namespace caravan::cli {

namespace {

constexpr int64_t kDefaultInput = 512;
constexpr int64_t kDefaultOutput = 128;
constexpr int64_t kDefaultRepeat = 3;
/// More runs than anybody waits for.
constexpr int64_t kMaxRepeat = 1000;

/// The flags whose values are combined to settings, from the one that changes least, with what they are where
/// they are absent.
constexpr std::array<std::pair<const char*, const char*>, 5> kListed = {{{"--dtype", "auto"},
                                                                         {"--quantize", "none"},
                                                                         {"--sparsity", "none"},
                                                                         {"--kv-cache-dtype", "auto"},
                                                                         {"--execute-mode", "max-autotune"}}};

OptionGroup bench_option_group() {
  return {"Work (lists are separated by commas, and every combination is measured)",
          {
              {"--batch-size", "LIST", "sequences that run together (1)"},
              {"--max-input-length", "LIST", "tokens of each prompt (512, or half the context)"},
              {"--max-output-length", "LIST", "tokens to generate for each (128, or what the context holds)"},
              {"--execute-mode", "LIST", "eager, reduce-overhead, max-autotune (max-autotune)"},
              {"--dtype", "LIST", "fp32, fp16, bf16, or auto: as the checkpoint stores it (auto)"},
              {"--quantize", "LIST", "round weights while loading: none, w8a8, w8a16, w4a8, w4a16 (none)"},
              {"--sparsity", "LIST", "with w8a8: first set weights to 0: none, 0.5, 2:4 (none)"},
              {"--kv-cache-dtype", "LIST", "int8, or auto: as the checkpoint says, or its weights (auto)"},
              {"--repeat", "N", "measured runs of each, after a short one to warm up (3)"},
              {"--max-batch-size-under", "MS", "find the largest batch whose median decode step is shorter"},
              {"--pp", "LIST", "llama-bench's test: one prompt of so many tokens"},
              {"--tg", "LIST", "llama-bench's test: so many tokens from an empty context"},
          }};
}

OptionGroup report_option_group() {
  return {"Report",
          {
              {"--json", "FILE", "write the figures as JSON; - for standard output, without the table"},
              {"--csv", "FILE", "write them as CSV; - for standard output, without the table"},
              {"--plot", "FILE", "draw latency and throughput over batch size, with the limit, as SVG"},
          }};
}

/// The engine's options but those that `lists` has in its own way.
OptionGroup engine_options_beside(const OptionGroup& lists) {
  OptionGroup group = engine_option_group();
  std::erase_if(group.options, [&lists](const Option& option) {
    return std::any_of(lists.options.begin(), lists.options.end(),
                       [&option](const Option& own) { return own.name == option.name; });
  });
  return group;
}

Command make_command() {
  Command command = {
      .name = "bench",
      .summary = "Measures prefill and decode on random prompts, beside the machine's physical limits.",
      .usage =
          "--model-path DIR [options]\ncaravan bench serve --url URL [options]   loads a server; see its own "
          "--help",
      .groups = {bench_option_group(), report_option_group(), engine_options_beside(bench_option_group())},
      .aliases = engine_aliases(),
      .positional = "",
  };
  command.aliases.push_back({"--seq-len-in", "--max-input-length", ""});
  command.aliases.push_back({"--seq-len-out", "--max-output-length", ""});
  return command;
}

void refuse_together(const Arguments& arguments, const std::vector<std::string>& those,
                     const std::vector<std::string>& with) {
  for (const std::string& one : those) {
    for (const std::string& other : with) {
      if (arguments.has(one) && arguments.has(other))
        fail(one, ": cannot be given with ", other, ", expected one of the two");
    }
  }
}

BenchKind parse_kind(const Arguments& arguments) {
  refuse_together(
      arguments, {"--pp", "--tg"},
      {"--batch-size", "--max-input-length", "--max-output-length", "--max-batch-size-under", "--plot"});
  refuse_together(arguments, {"--max-batch-size-under"}, {"--batch-size"});
  if (arguments.has("--pp") || arguments.has("--tg")) return BenchKind::kTests;
  return arguments.has("--max-batch-size-under") ? BenchKind::kSearch : BenchKind::kSweep;
}

/// Each value of the list `name`, checked as one number.
std::vector<int64_t> parse_numbers(const Arguments& arguments, std::string_view name, int64_t otherwise,
                                   int64_t low, int64_t high) {
  std::vector<int64_t> numbers;
  for (const std::string& each : arguments.list(name, std::to_string(otherwise)))
    numbers.push_back(arguments.with(name, each).integer(name, low, high).value_or(otherwise));
  return numbers;
}

struct Lengths {
  int64_t input = 0;
  int64_t output = 0;
};

std::vector<Lengths> parse_lengths(const Arguments& arguments, int64_t context) {
  // The first token comes from the prefill, the second from the first decode step.
  const std::vector<int64_t> asked = parse_numbers(arguments, "--max-output-length", 2, 2, context - 1);
  const int64_t most = *std::max_element(asked.begin(), asked.end());
  const int64_t usual = std::min({kDefaultInput, context / 2, context - most});
  const std::vector<int64_t> inputs = parse_numbers(arguments, "--max-input-length", usual, 1, context - 2);
  const int64_t longest = *std::max_element(inputs.begin(), inputs.end());
  const std::vector<int64_t> outputs =
      arguments.has("--max-output-length") ? asked : std::vector{std::min(kDefaultOutput, context - longest)};
  std::vector<Lengths> lengths;
  for (const int64_t input : inputs) {
    for (const int64_t output : outputs) {
      if (input + output > context) {
        fail("--max-input-length: found ", input, ", which with ", output,
             " tokens of output (--max-output-length) makes ", input + output, ", expected at most ", context,
             ", the context of the model");
      }
      lengths.push_back({input, output});
    }
  }
  return lengths;
}

/// What parse_engine_flags() makes of one value of each list.
/// `opened` has the weights from the first setting on, for every case of all of them.
BenchCase parse_setting(const Arguments& arguments, const ModelConfig& config,
                        std::shared_ptr<const WeightStore>& opened) {
  BenchCase at;
  at.flags = parse_engine_flags(arguments.with("--batch-size", "1"));
  at.mode = name_of(at.flags.engine.execute_mode);
  if (!opened) {
    opened =
        std::make_shared<const WeightStore>(WeightStore::open(at.flags.model_path, at.flags.load.format));
  }
  at.flags.load.opened = opened;
  WeightStore store = opened->again();
  Precision precision = precision_of(config, store, at.flags.load);
  at.dtype = precision.weights;
  at.kv_dtype = precision.kv_cache;
  at.quantized = std::move(precision.quantized);
  return at;
}

/// The tests of one setting.
void add_tests(const Arguments& arguments, const BenchCase& setting, BenchPlan& plan) {
  const int64_t context = plan.config.max_position;
  const auto add = [&](const std::string& name, int64_t input, int64_t output) {
    BenchCase at = setting;
    at.test = name;
    at.input = input;
    at.output = output;
    plan.cases.push_back(with_batch(at, 1, plan.config));
  };
  if (arguments.has("--pp")) {
    for (const int64_t tokens : parse_numbers(arguments, "--pp", 1, 1, context - 1))
      add("pp" + std::to_string(tokens), tokens, 1);
  }
  if (arguments.has("--tg")) {
    for (const int64_t tokens : parse_numbers(arguments, "--tg", 2, 2, context - 1))
      add("tg" + std::to_string(tokens), 1, tokens);
  }
}

/// The case of `setting` with these lengths and this batch, if it can be measured.
BenchCase checked_case(BenchCase at, const Lengths& lengths, int64_t batch, uint64_t available_bytes,
                       const ModelConfig& config) {
  at.batch = batch;
  at.input = lengths.input;
  at.output = lengths.output;
  at.flags.engine.max_sequence_length = at.input + at.output;
  require_memory(available_bytes, at, config, "--batch-size " + std::to_string(batch));
  const int64_t tokens = at.flags.engine.max_batch_tokens;
  if (batch > tokens) {
    fail("--batch-size: found ", batch, ", expected at most ", tokens,
         ", the tokens of a step (--max-batch-tokens)");
  }
  if (!decodes_together(at, batch, config.max_position)) {
    fail("--batch-size ", batch, ": in steps of ", tokens, " tokens the first prompts of ", at.input,
         " tokens fill the context of ", config.max_position,
         " before the last is computed, expected shorter prompts or a larger --max-batch-tokens");
  }
  return with_batch(at, batch, config);
}

/// The cases of one setting.
void add_cases(const Arguments& arguments, const BenchCase& setting, uint64_t available_bytes,
               BenchPlan& plan) {
  if (plan.kind == BenchKind::kTests) return add_tests(arguments, setting, plan);
  for (const Lengths& lengths : parse_lengths(arguments, plan.config.max_position)) {
    for (const std::string& batch : arguments.list("--batch-size", "1")) {
      // Asked of parse_engine_flags(), which knows the range.
      const EngineFlags flags = parse_engine_flags(arguments.with("--batch-size", batch));
      plan.cases.push_back(
          checked_case(setting, lengths, flags.engine.max_sequences, available_bytes, plan.config));
    }
  }
}

}  // namespace

const Command& bench_command() {
  static const Command kCommand = make_command();
  return kCommand;
}

bool decodes_together(const BenchCase& at, int64_t batch, int64_t context) {
  if (batch > at.flags.engine.max_batch_tokens) return false;
  // The first sequence has these tokens when the last prompt is computed, and then needs room for one more.
  return at.input + tokens_while_prefilling(batch, at.input, at.flags.engine.max_batch_tokens) + 1 <= context;
}

BenchCase with_batch(BenchCase at, int64_t batch, const ModelConfig& config) {
  EngineOptions& engine = at.flags.engine;
  at.batch = batch;
  engine.max_sequences = batch;
  // The first sequences decode while the last ones prefill; with this much more room they still run when all
  // decode.
  const int64_t more = tokens_while_prefilling(batch, at.input, engine.max_batch_tokens) - 1;
  engine.max_sequence_length = std::min(config.max_position, at.input + at.output + more);
  return at;
}

int64_t largest_runnable_batch(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config) {
  // Above any batch that a search is worth trying.
  constexpr int64_t kLargestSearched = 65536;
  return largest_that_holds(kLargestSearched, [&](int64_t batch) {
    if (!decodes_together(at, batch, config.max_position)) return false;
    // Sequences of larger batches are longer where their prompts take more steps.
    return batch <= largest_batch_in(available_bytes, with_batch(at, batch, config), config);
  });
}

BenchPlan parse_bench_plan(const Arguments& arguments, uint64_t available_bytes) {
  BenchPlan plan;
  plan.kind = parse_kind(arguments);
  plan.repeat = arguments.integer("--repeat", 1, kMaxRepeat).value_or(kDefaultRepeat);
  // Any range that a clock can tell apart.
  plan.max_decode_ms = arguments.number("--max-batch-size-under", 1e-3, 1e9).value_or(0.0);
  plan.report = parse_report_flags(arguments);
  plan.config = load_config(parse_model_path(arguments));
  const int64_t context = plan.config.max_position;
  // A prompt, the token that its prefill gives, and one that a decode step gives.
  if (context < 3) {
    fail("config.json: a context of ", context, context == 1 ? " token" : " tokens",
         " leaves no decode step to measure, expected at least 3");
  }
  std::shared_ptr<const WeightStore> opened;
  std::vector<Arguments> settings = {arguments};
  for (const auto& [flag, otherwise] : kListed) {
    std::vector<Arguments> each;
    for (const Arguments& setting : settings) {
      for (const std::string& value : arguments.list(flag, otherwise))
        each.push_back(setting.with(flag, value));
    }
    settings = std::move(each);
  }
  for (const Arguments& one : settings)
    add_cases(one, parse_setting(one, plan.config, opened), available_bytes, plan);
  for (const BenchCase& at : plan.cases) {
    const std::string flag = at.test.empty() ? "--batch-size " + std::to_string(at.batch)
                                             : "--" + at.test.substr(0, 2) + " " + at.test.substr(2);
    require_memory(available_bytes, at, plan.config, flag);
  }
  return plan;
}

}  // namespace caravan::cli
