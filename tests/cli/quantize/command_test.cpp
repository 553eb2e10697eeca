// `caravan quantize` as a user meets it: every scheme made of the demo model, loaded, run and measured.
#include "cli/quantize/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/output/folder_writer.h"
#include "cli/outcome.h"
#include "support/paths.h"
#include "support/stored_tensors.h"

namespace caravan::cli {
namespace {

using test::caravan_program;
using test::Outcome;
using testing::HasSubstr;

namespace fs = std::filesystem;

std::string demo() { return (test::source_dir() / "models" / "demo").string(); }

/// Quantised checkpoints of the demo model, made when they are first asked for.
class Made {
 public:
  explicit Made(std::vector<std::string> flags, const std::string& model = demo())
      : path_((folder_ / "made").string()) {
    flags.insert(flags.begin(), {"quantize", model, "--output", path_});
    // A little text does for a model as small as this one.
    const auto needs_text = [](const std::string& flag) {
      return flag == "--gptq" || flag == "--smooth" || flag == "static" || flag == "wanda" ||
             flag == "--max-error";
    };
    if (std::any_of(flags.begin(), flags.end(), needs_text))
      flags.insert(flags.end(), {"--calib-tokens", "1024"});
    outcome_ = caravan_program(flags);
    EXPECT_EQ(outcome_.code, 0) << outcome_.err;
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& report() const { return outcome_.out; }
  [[nodiscard]] Json config() const {
    return Json::parse(read_file(fs::path(path_) / "config.json", 1'000'000));
  }

 private:
  test::TemporaryFolder folder_;
  std::string path_;
  Outcome outcome_;
};

/// The figures of checkpoints on a part of the demo model's held-out set, the demo model first.
Json figures_of(const std::vector<const Made*>& checkpoints) {
  std::string paths = demo();
  for (const Made* each : checkpoints) paths += "," + each->path();
  const Outcome outcome = caravan_program(
      {"eval", "--model-path", paths, "--limit", "12", "--threads", "2", "--autotune", "off", "--json", "-"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false)["results"];
}

double exact_match(const Json& result) { return result["exact_match"]["all"]["all"]; }
double perplexity(const Json& result) { return result["perplexity"]["all"]["perplexity"]; }
double divergence(const Json& result) { return result["kl_divergence"]; }

TEST(Quantize, StaysWithinTheBoundsOfEachScheme) {
  const Made w8a8({"--scheme", "w8a8"});
  const Made w8a16({"--scheme", "w8a16"});
  const Made w4a16({"--scheme", "w4a16", "--group-size", "64", "--gptq"});
  const Made nearest({"--scheme", "w4a16", "--group-size", "64"});
  const Made cache({"--scheme", "w8a8", "--kv-cache", "int8", "--kv-cache-scales", "static"});
  const Made w4a8({"--scheme", "w4a8", "--group-size", "64", "--gptq"});
  const Json found = figures_of({&w8a8, &w8a16, &w4a16, &nearest, &cache, &w4a8});
  const double right = perplexity(found[0]);
  for (const size_t eight_bits : {size_t{1}, size_t{2}, size_t{5}})
    EXPECT_NEAR(perplexity(found[eight_bits]), right, 0.01 * right);
  for (const size_t four_bits : {size_t{3}, size_t{6}})
    EXPECT_NEAR(perplexity(found[four_bits]), right, 0.03 * right);
  // Of 12 questions; docs/quantization.md has all 400.
  EXPECT_NEAR(exact_match(found[1]), exact_match(found[0]), 1.0 / 12.0);
  EXPECT_LT(divergence(found[2]), divergence(found[1]));
  EXPECT_LT(divergence(found[3]), divergence(found[4])) << "GPTQ is closer than rounding";
}

TEST(Quantize, SmoothsAndCalibratesActivations) {
  const Made plain({"--scheme", "w8a8", "--act", "static"});
  const Made smooth({"--scheme", "w8a8", "--act", "static", "--smooth", "--calib-method", "percentile"});
  const Made sparse({"--scheme", "w8a8", "--sparsity", "2:4", "--sparsity-method", "wanda", "--gptq"});
  const Made blind({"--scheme", "w8a8", "--sparsity", "2:4"});
  const Json found = figures_of({&plain, &smooth, &sparse, &blind});
  const double right = perplexity(found[0]);
  EXPECT_NEAR(perplexity(found[1]), right, 0.02 * right);
  EXPECT_NEAR(perplexity(found[2]), right, 0.02 * right);
  EXPECT_LT(divergence(found[3]), divergence(found[4])) << "Wanda and GPTQ lose less than magnitudes do";
}

TEST(Quantize, MakesWhatRunsInEveryMode) {
  const Made made({"--scheme", "w8a8", "--kv-cache", "int8"});
  std::string first;
  for (const char* mode : {"eager", "max-autotune"}) {
    const Outcome run = caravan_program({"run", "--model-path", made.path(), "--prompt", "Once upon a time",
                                         "--max-output-length", "24", "--temperature", "0", "--autotune",
                                         "off", "--execute-mode", mode});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr(","));
    if (first.empty()) first = run.out;
    EXPECT_EQ(run.out, first);
  }
}

/// Writes the checkpoint in `folder` to `output`, with zeros where they were left out.
void write_zeros(const fs::path& folder, const fs::path& output) {
  const test::OpenCheckpoint checkpoint = test::open_checkpoint(folder);
  const Json config = Json::parse(read_file(folder / "config.json", 1'000'000));
  QuantizedFolderWriter writer(output);
  std::set<std::string> parts;
  for (const auto& [name, found] :
       find_quantized(*parse_quantization_config(config, "config.json"), checkpoint.tensors)) {
    QuantizedWeight weight = found.weight;
    EXPECT_GT(weight.row_kept, 0) << name;
    weight.row_kept = 0;
    writer.add_quantized(weight);
    parts.insert(found.parts.begin(), found.parts.end());
  }
  for (const auto& [name, stored] : checkpoint.tensors)
    if (!parts.contains(name)) writer.add_plain(stored);
  writer.copy_texts(folder);
  writer.finish(config);
}

TEST(Quantize, LeavesOutZerosAndAnswersAsWithThem) {
  const test::TemporaryFolder folder;
  for (const char* sparsity : {"0.5", "2:4"}) {
    const Made sparse({"--scheme", "w8a8", "--sparsity", sparsity});
    const fs::path dense = folder / (std::string("dense") + sparsity[0]);
    write_zeros(sparse.path(), dense);
    EXPECT_LT(fs::file_size(fs::path(sparse.path()) / "model.safetensors"),
              fs::file_size(dense / "model.safetensors") * 4 / 5);
    EXPECT_THAT(caravan_program({"info", sparse.path()}).out,
                HasSubstr("layers 0 to 3: w8a8, per channel, sparse\n"));
    EXPECT_THAT(caravan_program({"info", dense.string()}).out,
                HasSubstr("layers 0 to 3: w8a8, per channel\n"));
    const Outcome outcome =
        caravan_program({"eval", "--model-path", sparse.path() + "," + dense.string(), "--limit", "4",
                         "--text", demo() + "/heldout/stories.jsonl", "--autotune", "off", "--json", "-"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const Json results = Json::parse(outcome.out, nullptr, false)["results"];
    EXPECT_EQ(perplexity(results[0]), perplexity(results[1]));
    EXPECT_EQ(divergence(results[1]), 0.0);
  }
}

TEST(Quantize, PrunesAsLoadingDoes) {
  const Made made({"--scheme", "w8a8", "--sparsity", "0.5"});
  std::string first;
  for (const std::vector<std::string>& model :
       {std::vector<std::string>{made.path()}, {demo(), "--quantize", "w8a8", "--sparsity", "0.5"}}) {
    for (const char* mode : {"eager", "max-autotune", "reduce-overhead"}) {
      std::vector<std::string> words = {"run",
                                        "--prompt",
                                        "Once upon a time",
                                        "--max-output-length",
                                        "24",
                                        "--temperature",
                                        "0",
                                        "--autotune",
                                        "off",
                                        "--execute-mode",
                                        mode,
                                        "--model-path"};
      words.insert(words.end(), model.begin(), model.end());
      const Outcome run = caravan_program(words);
      ASSERT_EQ(run.code, 0) << run.err;
      if (first.empty()) first = run.out;
      EXPECT_EQ(run.out, first) << mode;
    }
  }
  const auto refused = [](const std::string& scheme) {
    return caravan_program({"run", "--model-path", demo(), "--quantize", scheme, "--sparsity", "0.5"}).err;
  };
  for (const char* scheme : {"none", "w8a16", "w4a8", "w4a16"}) {
    EXPECT_EQ(refused(scheme), std::string("caravan: --sparsity: found 0.5 with --quantize ") + scheme +
                                   ", expected w8a8 beside it, whose kernels alone skip zeros; caravan "
                                   "quantize prunes w8a16 too\n");
  }
}

TEST(Quantize, SaysWhatItMade) {
  const Made made({"--scheme", "w8a16", "--group-size", "32", "--asymmetric", "--lm-head", "keep", "--keep",
                   "model.layers.0.mlp.down_proj", "--keep", "re:.*layers.3"});
  EXPECT_THAT(made.report(), HasSubstr("20 matrices w8a16, groups of 32, zero points"));
  EXPECT_THAT(made.report(), HasSubstr("9 matrices as it is"));
  EXPECT_THAT(made.report(), HasSubstr("to 1, in"));
  EXPECT_THAT(made.report(), HasSubstr("error of weights: all together"));
  const Json quantization = made.config()["quantization_config"];
  EXPECT_THAT(quantization["ignore"], testing::Contains("model.layers.0.mlp.down_proj"));
  EXPECT_EQ(quantization["config_groups"]["group_0"]["weights"]["group_size"], 32);
  EXPECT_EQ(made.config()["tie_word_embeddings"], true);
}

TEST(Quantize, FallsBackUnderAnErrorBudget) {
  const Made nothing({"--scheme", "w4a16", "--max-error", "0"});
  EXPECT_THAT(nothing.report(), HasSubstr("29 matrices as it is"));
  const Made some({"--scheme", "w4a16", "--max-error", "0.3"});
  EXPECT_THAT(some.report(), HasSubstr("as it is"));
  EXPECT_THAT(some.report(), HasSubstr("w4a16"));
  EXPECT_THAT(some.report(), HasSubstr("error of outputs on the calibration text"));
}

/// The sentence with which the program refuses these words.
std::string refusal(std::vector<std::string> words) {
  words.insert(words.begin(), "quantize");
  const Outcome outcome = caravan_program(words);
  EXPECT_EQ(outcome.code, 2);
  return outcome.err;
}

TEST(Quantize, RefusesFlagsThatDoNotGoTogether) {
  const test::TemporaryFolder folder;
  const std::string to = (folder / "new").string();
  const auto said = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {demo(), "--output", to});
    return refusal(flags);
  };
  EXPECT_EQ(said({}), "caravan: --scheme: is missing, expected w8a8, w8a16, w4a8 or w4a16\n");
  EXPECT_EQ(said({"--scheme", "w2a2"}),
            "caravan: --scheme: found \"w2a2\", expected w8a8, w8a16, w4a8 or w4a16\n");
  EXPECT_THAT(said({"--scheme", "w8a8", "--group-size", "64"}), HasSubstr("--group-size: found 64"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--group-size", "48"}), HasSubstr("expected 32, 64, 128 or channel"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--asymmetric"}), HasSubstr("whose weights have no zero points"));
  EXPECT_THAT(said({"--scheme", "w4a16", "--act", "static"}), HasSubstr("expected w8a8"));
  EXPECT_THAT(said({"--scheme", "w4a16", "--smooth"}), HasSubstr("--smooth: found with --scheme w4a16"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--smooth=2"}), HasSubstr("a number from 0 to 1"));
  EXPECT_THAT(said({"--scheme", "w4a16", "--sparsity", "0.5"}),
              HasSubstr("--sparsity: found 0.5 with 4 bits"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--sparsity-method", "wanda"}), HasSubstr("without --sparsity"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--kv-cache-scales", "static"}),
              HasSubstr("without --kv-cache int8"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--calib-method", "histogram"}), HasSubstr("--act static beside it"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--calib-file", "x"}), HasSubstr("nothing that was asked for needs"));
  EXPECT_THAT(said({"--scheme", "w8a8", "--keep", "layer7"}),
              HasSubstr("--keep: \"layer7\" means no matrix"));
  EXPECT_THAT(refusal({demo(), "--scheme", "w8a8"}), HasSubstr("--output: is missing"));
  EXPECT_THAT(refusal({"--scheme", "w8a8", "--output", to}), HasSubstr("the folder of one checkpoint"));
  EXPECT_FALSE(fs::exists(to));
}

TEST(Quantize, RefusesFoldersAndTextsThatDoNotDo) {
  const test::TemporaryFolder folder;
  const std::string to = (folder / "new").string();
  EXPECT_THAT(refusal({demo(), "--scheme", "w8a8", "--output", folder.path().string()}),
              HasSubstr("is there already, expected the name of a new folder"));
  const std::string empty = folder.write("empty.txt", "").string();
  const auto calibrated = [&](const std::string& file) {
    return refusal({demo(), "--scheme", "w4a16", "--gptq", "--output", to, "--calib-file", file});
  };
  EXPECT_THAT(calibrated(empty), HasSubstr("empty.txt"));
  EXPECT_THAT(calibrated(folder.write("short.txt", "Once upon a time.").string()),
              HasSubstr("tokens of calibration text, expected at least 256"));
  const Made made({"--scheme", "w8a16"});
  EXPECT_THAT(refusal({made.path(), "--scheme", "w8a8", "--output", to}),
              HasSubstr("is quantised already, expected one that is not"));
  EXPECT_THAT(refusal({"/nowhere", "--scheme", "w8a8", "--output", to}), HasSubstr("/nowhere"));
  // Nothing of what was begun is left.
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().extension(), ".txt") << entry.path();
}

/// What is in the folder, by name.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

/// Runs the program in a process of its own, sends it `signal` once it has begun to write into `folder`, and
/// returns its exit code, or the number of the signal that ended it, negated.
int code_after(int signal, const fs::path& folder, const std::vector<std::string>& words) {
  // What waits to be written is written once.
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    static_cast<void>(std::freopen("/dev/null", "w", stderr));
    std::_Exit(run_program(words));
  }
  int status = 0;
  while (names_in(folder).empty() && ::waitpid(child, &status, WNOHANG) == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(child, signal);
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Quantize, LeavesNothingBehindWhereASignalStopsIt) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const test::TemporaryFolder folder;
    const int code = code_after(
        signal, folder.path(),
        {"quantize", demo(), "--scheme", "w4a16", "--gptq", "--output", (folder / "new").string()});
    EXPECT_EQ(code, 130);
    EXPECT_THAT(names_in(folder.path()), testing::IsEmpty());
  }
}

TEST(Quantize, NamesTheTensorThatGroupsDoNotDivide) {
  const test::TemporaryFolder folder;
  fs::copy(fs::path(demo()) / "model.safetensors", folder / "model.safetensors");
  Json config = Json::parse(read_file(fs::path(demo()) / "config.json", 1'000'000));
  config["intermediate_size"] = 500;
  static_cast<void>(folder.write("config.json", config.dump()));
  EXPECT_THAT(
      refusal({folder.path().string(), "--scheme", "w4a16", "--output", (folder / "new").string()}),
      HasSubstr("\"model.layers.0.mlp.down_proj.weight\" has 500 inputs, which groups of 128 do not"));
}

}  // namespace
}  // namespace caravan::cli
