#include "cli/load/plan.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace caravan::load {

namespace {

using cli::Arguments;
using cli::Command;
using cli::OptionGroup;

constexpr int64_t kDefaultRequests = 100;
constexpr int64_t kMostRequests = 100'000'000;
constexpr int64_t kMostConcurrent = 60'000;  ///< a client's port each
constexpr double kMostSeconds = 1e7;
constexpr double kLowestRate = 1e-6;
constexpr double kHighestRate = 1e6;
constexpr uint64_t kMostTraceBytes = uint64_t{4} << 30U;

OptionGroup server_options() {
  return {"Server",
          {
              {"--url", "URL", "the server, as http://127.0.0.1:8000 or https://…; needed"},
              {"--model", "NAME", "the model to name in requests (the only one of /v1/models)"},
              {"--endpoint", "NAME", "completions, or chat: /v1/chat/completions (completions)"},
              {"--api-key-file", "FILE", "a file whose first line is the key to send"},
              {"--tls-insecure", "", "take any certificate"},
              {"--timeout", "S", "seconds that a request may take in all (600)"},
          }};
}

OptionGroup request_options() {
  return {"Requests (LENGTH: 256, uniform:LOW:HIGH, normal:MEAN:DEVIATION or lognormal:MEAN:DEVIATION)",
          {
              {"--requests", "N", "how many (100, or as many as --duration and --trace have)"},
              {"--duration", "S", "start none later than this; those in flight are awaited"},
              {"--input-length", "LENGTH", "tokens of each prompt (256)"},
              {"--output-length", "LENGTH", "tokens to generate for each (128)"},
              {"--shared-prefix", "TOKENS", "before each prompt, so many that its group shares (0)"},
              {"--prefix-groups", "G", "groups of which each request is in one, at random (1)"},
              {"--trace", "FILE", "lengths, shared blocks and arrivals from Mooncake's JSON Lines"},
              {"--text-prompts", "", "prompts of words; without it, lists of token ids; chat has words"},
              {"--vocab-size", "N", "token ids are below it (what /tokenizer_info says)"},
              {"--temperature", "T", "of sampling (0)"},
              {"--ignore-eos", "", "ask for outputs of just the length asked for; on"},
              {"--no-ignore-eos", "", "for servers that refuse ignore_eos"},
              {"--seed", "N", "of lengths, prompts and arrivals (0)"},
          }};
}

OptionGroup arrival_options() {
  return {"Arrivals",
          {
              {"--rate", "R", "requests per second, at random; inf: all at once (inf)"},
              {"--burstiness", "B", "1: a Poisson process; less: burstier; more: steadier (1)"},
              {"--concurrency", "C", "at most so many in flight; alone: always so many"},
              {"--warmup", "N", "requests before the measurement, which are not in it (0)"},
          }};
}

OptionGroup report_options() {
  return {"Report",
          {
              {"--slo", "GOALS", "ttft:MS,tpot:MS,e2e:MS: count the requests that keep them all"},
              {"--json", "FILE", "write the figures as JSON; - for standard output, without the table"},
              {"--csv", "FILE", "write each request as CSV; - for standard output, without the table"},
              {"--plot", "FILE", "draw the latencies' distributions and tokens/s over time, as SVG"},
          }};
}

void refuse_with(const Arguments& arguments, std::initializer_list<const char*> flags, const char* with) {
  if (!arguments.has(with)) return;
  for (const char* flag : flags) {
    if (arguments.has(flag)) fail(flag, ": cannot be given with ", with, ", expected one of the two");
  }
}

std::string read_api_key(const Arguments& arguments) {
  const std::optional<std::string> path = arguments.text("--api-key-file");
  if (!path.has_value()) return "";
  constexpr uint64_t kMostBytes = 1U << 20U;
  const std::string text = read_file(*path, kMostBytes);
  std::string key = text.substr(0, text.find('\n'));
  if (key.ends_with('\r')) key.pop_back();
  // Not shown: it is a secret.
  if (key.empty() || !std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; }))
    fail("--api-key-file ", *path, ": the first line is no key, expected printable ASCII without blanks");
  return key;
}

void parse_server(const Arguments& arguments, LoadPlan& plan) {
  const std::optional<std::string> url = arguments.text("--url");
  if (!url.has_value()) fail("--url: is missing, expected the server, as http://127.0.0.1:8000");
  plan.url_text = *url;
  plan.url = parse_url("--url", *url);
  plan.model = arguments.text("--model");
  const bool chat = arguments.choice("--endpoint", {"completions", "chat"}) == "chat";
  plan.endpoint = chat ? Endpoint::kChat : Endpoint::kCompletions;
  plan.api_key = read_api_key(arguments);
  plan.verify_tls = !arguments.is_on("--tls-insecure");
  plan.timeout_s = arguments.number("--timeout", 1e-3, kMostSeconds).value_or(plan.timeout_s);
}

void parse_trace_flag(const Arguments& arguments, LoadPlan& plan) {
  const std::optional<std::string> path = arguments.text("--trace");
  if (!path.has_value()) return;
  refuse_with(
      arguments,
      {"--input-length", "--output-length", "--shared-prefix", "--prefix-groups", "--rate", "--burstiness"},
      "--trace");
  plan.trace_path = *path;
  plan.trace = parse_trace(read_file(*path, kMostTraceBytes), *path);
}

void parse_prompts(const Arguments& arguments, LoadPlan& plan) {
  refuse_with(arguments, {"--vocab-size"}, "--text-prompts");
  if (plan.endpoint == Endpoint::kChat && arguments.has("--vocab-size")) {
    fail(
        "--vocab-size: is for lists of token ids, expected it without --endpoint chat, whose prompts are "
        "words");
  }
  plan.text_prompts = arguments.is_on("--text-prompts") || plan.endpoint == Endpoint::kChat;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  plan.vocab_size = arguments.integer("--vocab-size", 1, kMost);
  plan.seed =
      static_cast<uint64_t>(arguments.integer("--seed", 0, std::numeric_limits<int64_t>::max()).value_or(0));
  plan.temperature = arguments.number("--temperature", 0.0, 100.0).value_or(0.0);
  refuse_with(arguments, {"--ignore-eos"}, "--no-ignore-eos");
  plan.ignore_eos =
      arguments.has("--ignore-eos") ? arguments.is_on("--ignore-eos") : !arguments.is_on("--no-ignore-eos");
}

void parse_requests(const Arguments& arguments, LoadPlan& plan) {
  parse_trace_flag(arguments, plan);
  parse_prompts(arguments, plan);
  plan.requests = arguments.integer("--requests", 1, kMostRequests);
  const bool timed = arguments.has("--duration");
  plan.duration_s = arguments.number("--duration", 1e-3, kMostSeconds).value_or(plan.duration_s);
  if (!plan.requests.has_value() && !timed && plan.trace.empty()) plan.requests = kDefaultRequests;
  const auto lengths = [&arguments](const char* flag, LengthDistribution& field) {
    if (const std::optional<std::string> text = arguments.text(flag))
      field = LengthDistribution::parse(flag, *text);
  };
  lengths("--input-length", plan.input);
  lengths("--output-length", plan.output);
  constexpr int64_t kMost = LengthDistribution::kMaxLength;
  plan.shared_prefix = arguments.integer("--shared-prefix", 1, kMost).value_or(0);
  if (arguments.has("--prefix-groups") && plan.shared_prefix == 0)
    fail("--prefix-groups: groups share a prefix, expected --shared-prefix too");
  plan.prefix_groups = arguments.integer("--prefix-groups", 1, kMostRequests).value_or(1);
}

void parse_arrivals(const Arguments& arguments, LoadPlan& plan) {
  if (arguments.has("--rate") && arguments.text("--rate") != "inf")
    plan.rate = arguments.number("--rate", kLowestRate, kHighestRate).value_or(plan.rate);
  const bool endless = plan.rate == std::numeric_limits<double>::infinity();
  if (arguments.has("--burstiness") && endless)
    fail("--burstiness: without a --rate there are no gaps to draw, expected one");
  plan.burstiness = arguments.number("--burstiness", 1e-2, 1e4).value_or(plan.burstiness);
  plan.concurrency = arguments.integer("--concurrency", 1, kMostConcurrent);
  plan.warmup = arguments.integer("--warmup", 0, kMostRequests).value_or(0);
  const bool bounded = plan.requests.has_value() || !plan.trace.empty();
  if (!bounded && endless && !plan.concurrency.has_value()) {
    fail(
        "--duration: does not say how many requests start at once, expected --rate, --concurrency or "
        "--requests too");
  }
}

}  // namespace

const Command& load_command() {
  static const Command kCommand = {
      .name = "bench serve",
      .summary = "Loads an OpenAI-compatible server, and measures its latency and throughput.",
      .usage = "--url URL [options]",
      .groups = {server_options(), request_options(), arrival_options(), report_options()},
      .aliases = {},
      .positional = "",
  };
  return kCommand;
}

LoadPlan parse_load_plan(const Arguments& arguments) {
  LoadPlan plan;
  plan.report = cli::parse_report_flags(arguments);
  if (const std::optional<std::string> goals = arguments.text("--slo")) plan.slo = parse_slo("--slo", *goals);
  parse_server(arguments, plan);
  parse_requests(arguments, plan);
  parse_arrivals(arguments, plan);
  return plan;
}

}  // namespace caravan::load
