#include "cli/eval/plan.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"

namespace caravan::eval {

namespace {

namespace fs = std::filesystem;

/// Where the context is longer: what papers on quantization measure with.
constexpr int64_t kUsualLength = 2048;
/// Any number of windows that a text may have.
constexpr int64_t kMaxLimit = int64_t{1} << 40U;

/// What may differ between checkpoints, beside their paths.
constexpr std::array<std::string_view, 6> kOfEach = {"--dtype",   "--quantize", "--group-size",
                                                     "--lm-head", "--sparsity", "--kv-cache-dtype"};
/// What the engine's options have no use for here: sequences run one by one, several engines beside each
/// other on the same threads.
constexpr std::array<std::string_view, 6> kNotHere = {"--model-path", "--batch-size",       "--bind-cpu",
                                                      "--kv-cache",   "--max-batch-tokens", "--load-format"};

template <size_t size>
bool is_among(std::string_view name, const std::array<std::string_view, size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

cli::OptionGroup checkpoint_option_group() {
  return {"Checkpoints (LIST: with commas, or the flag repeated; one for all, or one for each)",
          {
              {"--model-path", "LIST", "checkpoint folders or GGUF files (required)", true},
              {"--baseline", "PATH", "what the others are compared with (the first of --model-path)"},
              {"--dtype", "LIST", "fp32, fp16, bf16, or auto: as the checkpoint stores it (auto)", true},
              {"--quantize", "LIST", "round weights while loading: w8a8, w8a16, w4a8 or w4a16 (none)", true},
              {"--group-size", "LIST", "inputs that share a scale, of w8a16 (all), w4a8, w4a16 (128)", true},
              {"--lm-head", "LIST", "with --quantize: int8, or keep its own dtype (int8)", true},
              {"--sparsity", "LIST", "with w8a8: first set weights to 0: none, 0.5 or 2:4 (none)", true},
              {"--kv-cache-dtype", "LIST", "int8, or auto: as the weights (auto)", true},
          }};
}

cli::OptionGroup work_option_group() {
  return {"Work",
          {
              {"--text", "FILE", "for perplexity: plain text, or JSON Lines with text"},
              {"--questions", "FILE", "for exact match: JSON Lines with prompt and answer"},
              {"--max-length", "N", "tokens of a window of the text (the context, at most 2048)"},
              {"--stride", "N", "tokens from one window to the next (half of --max-length)"},
              {"--end-token", "WHEN", "score the end token after a text: on, off (on for JSON Lines)"},
              {"--limit", "N", "only the first N windows of the text, and N questions (all)"},
          }};
}

cli::OptionGroup report_option_group() {
  return {"Report",
          {
              {"--json", "FILE", "write the figures as JSON; - for standard output, without the table"},
              {"--svg", "FILE", "draw the checkpoints beside each other"},
          }};
}

cli::Command make_command() {
  cli::OptionGroup engine = cli::engine_option_group();
  std::erase_if(engine.options, [](const cli::Option& option) {
    return is_among(option.name, kNotHere) || is_among(option.name, kOfEach);
  });
  engine.heading = "Engine";
  return {
      .name = "eval",
      .summary = "Compares checkpoints: perplexity, exact match, and their distance from a baseline.",
      .usage = "--model-path DIR[,DIR…] [options]",
      .groups = {checkpoint_option_group(), work_option_group(), report_option_group(), engine},
      .aliases = cli::engine_aliases(),
      .positional = "",
  };
}

/// All elements of a flag that may be repeated, and may hold several each time.
std::vector<std::string> elements_of(const cli::Arguments& arguments, std::string_view name) {
  std::vector<std::string> all;
  for (const std::string& text : arguments.texts(name)) {
    for (std::string& each : arguments.with(name, text).list(name, "")) all.push_back(std::move(each));
  }
  return all;
}

bool is_same_path(const std::string& a, const std::string& b) {
  const auto plain = [](const std::string& path) {
    const fs::path normal = fs::path(path).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
  };
  return plain(a) == plain(b);
}

/// The value of each of `count` checkpoints.
std::vector<std::string> values_of(const cli::Arguments& arguments, std::string_view name, size_t count) {
  std::vector<std::string> values = elements_of(arguments, name);
  if (values.size() == 1) values.resize(count, values.front());
  if (values.size() != count) {
    fail(name, ": found ", values.size(), " values for ", count,
         " checkpoints, expected one for all, or one for each (a baseline that --model-path does not name "
         "comes "
         "first)");
  }
  return values;
}

/// What each checkpoint has for its own. One path may stand for several, which differ in other things.
std::vector<cli::Arguments> arguments_of_each(const cli::Arguments& arguments,
                                              std::vector<std::string> paths) {
  if (paths.size() == 1) {
    size_t most = 1;
    for (const std::string_view name : kOfEach) most = std::max(most, elements_of(arguments, name).size());
    paths.resize(most, paths.front());
  }
  std::vector<cli::Arguments> each;
  each.reserve(paths.size());
  for (const std::string& path : paths) each.push_back(arguments.with("--model-path", path));
  for (const std::string_view name : kOfEach) {
    if (!arguments.has(name)) continue;
    const std::vector<std::string> values = values_of(arguments, name, paths.size());
    for (size_t i = 0; i < paths.size(); ++i)
      each[i] = values[i] == "auto" ? each[i].without(name) : each[i].with(name, values[i]);
  }
  return each;
}

void add_checkpoints(const cli::Arguments& arguments, EvalPlan& plan) {
  std::vector<std::string> paths = elements_of(arguments, "--model-path");
  if (paths.empty())
    fail("--model-path: is missing, expected the folders of one or more checkpoints, or GGUF files");
  if (const auto baseline = arguments.text("--baseline")) {
    const auto same = [&](const std::string& path) { return is_same_path(path, *baseline); };
    const auto found = std::find_if(paths.begin(), paths.end(), same);
    plan.baseline = found == paths.end() ? 0 : static_cast<size_t>(found - paths.begin());
    if (found == paths.end()) paths.insert(paths.begin(), *baseline);
  }
  for (const cli::Arguments& own : arguments_of_each(arguments, std::move(paths))) {
    PlannedCheckpoint checkpoint;
    checkpoint.flags = cli::parse_engine_flags(own);
    checkpoint.config = load_config(checkpoint.flags.model_path);
    plan.checkpoints.push_back(std::move(checkpoint));
  }
}

/// The file `name` that lies beside the weights of one of the checkpoints, the baseline's first.
std::optional<fs::path> own_file(const EvalPlan& plan, const std::string& name) {
  std::vector<fs::path> folders = {plan.checkpoints[plan.baseline].flags.model_path};
  for (const PlannedCheckpoint& checkpoint : plan.checkpoints) folders.push_back(checkpoint.flags.model_path);
  for (const fs::path& folder : folders) {
    if (file_exists(folder / "heldout" / name)) return folder / "heldout" / name;
  }
  return std::nullopt;
}

void add_files(const cli::Arguments& arguments, EvalPlan& plan) {
  for (const char* flag : {"--text", "--questions"}) {
    if (arguments.text(flag) == "") fail(flag, ": found \"\", expected the name of a file");
  }
  plan.text = arguments.text("--text");
  plan.questions = arguments.text("--questions");
  if (plan.text.has_value() || plan.questions.has_value()) return;
  plan.text = own_file(plan, "stories.jsonl");
  plan.questions = own_file(plan, "questions.jsonl");
  if (plan.text.has_value() || plan.questions.has_value()) return;
  fail("--text: is missing, and ", plan.checkpoints[plan.baseline].flags.model_path.string(),
       " has no held-out texts of its own as models/demo has, expected --text FILE or --questions FILE");
}

void add_windows(const cli::Arguments& arguments, EvalPlan& plan) {
  int64_t context = INT64_MAX;
  for (const PlannedCheckpoint& checkpoint : plan.checkpoints)
    context = std::min(context, checkpoint.config.max_position);
  if (context < 2) fail("config.json: a context of one token leaves nothing to predict, expected at least 2");
  plan.max_length = arguments.integer("--max-length", 2, context).value_or(std::min(context, kUsualLength));
  // A window's first token has nothing before it, so the window before must have scored it.
  plan.stride = arguments.integer("--stride", 1, plan.max_length - 1)
                    .value_or(std::max<int64_t>(1, plan.max_length / 2));
  if (const auto end = arguments.choice("--end-token", {"on", "off"})) plan.end_token = *end == "on";
  plan.limit = arguments.integer("--limit", 1, kMaxLimit);
}

}  // namespace

const cli::Command& eval_command() {
  static const cli::Command kCommand = make_command();
  return kCommand;
}

EvalPlan parse_eval_plan(const cli::Arguments& arguments) {
  EvalPlan plan;
  plan.report = cli::parse_report_flags(arguments, "--svg");
  add_checkpoints(arguments, plan);
  add_files(arguments, plan);
  add_windows(arguments, plan);
  return plan;
}

}  // namespace caravan::eval
