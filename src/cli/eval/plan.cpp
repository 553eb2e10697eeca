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

/// What the engine's options have no use for here: sequences run one by one, several engines beside each
/// other on the same threads.
constexpr std::array<std::string_view, 7> kNotHere = {"--model-path", "--dtype",    "--batch-size",
                                                      "--bind-cpu",   "--kv-cache", "--max-batch-tokens",
                                                      "--load-format"};

cli::OptionGroup work_option_group() {
  return {"Work (lists are separated by commas, or the flag is repeated)",
          {
              {"--model-path", "LIST", "checkpoint folders or GGUF files (required)", true},
              {"--dtype", "LIST", "fp32, fp16, bf16 or auto: one for all, or one for each (auto)", true},
              {"--baseline", "PATH", "what the others are compared with (the first of --model-path)"},
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
    return std::find(kNotHere.begin(), kNotHere.end(), option.name) != kNotHere.end();
  });
  engine.heading = "Engine";
  return {
      .name = "eval",
      .summary = "Compares checkpoints: perplexity, exact match, and their distance from a baseline.",
      .usage = "--model-path DIR[,DIR…] [options]",
      .groups = {work_option_group(), report_option_group(), engine},
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
  std::vector<std::string> dtypes = elements_of(arguments, "--dtype");
  if (dtypes.empty()) dtypes = {"auto"};
  if (dtypes.size() != 1 && dtypes.size() != paths.size()) {
    fail("--dtype: found ", dtypes.size(), " types for ", paths.size(),
         paths.size() == 1 ? " checkpoint" : " checkpoints",
         ", expected one for all, or one for each (a baseline that --model-path does not name comes first)");
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    PlannedCheckpoint checkpoint;
    checkpoint.flags = cli::parse_engine_flags(
        arguments.with("--model-path", paths[i]).with("--dtype", dtypes.size() == 1 ? dtypes[0] : dtypes[i]));
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
