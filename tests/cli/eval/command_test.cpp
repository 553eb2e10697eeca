// `caravan eval` as a user meets it, beside what transformers computes
// (tests/reference/make_eval_fixture.py).
#include "cli/eval/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/file.h"
#include "base/json.h"
#include "cli/outcome.h"
#include "support/paths.h"

namespace caravan::eval {
namespace {

using test::caravan_program;
using test::Outcome;
using testing::HasSubstr;

namespace fs = std::filesystem;

std::string demo() { return (test::source_dir() / "models" / "demo").string(); }
std::string tale(const std::string& name) { return test::fixture("eval/" + name).string(); }

Outcome evaluate_with(std::vector<std::string> words) {
  words.insert(words.begin(), {"eval", "--threads", "2", "--autotune", "off"});
  return caravan_program(words);
}

/// The JSON report of `caravan eval` with these flags.
Json report_of(std::vector<std::string> words) {
  words.insert(words.end(), {"--json", "-"});
  const Outcome outcome = evaluate_with(words);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false);
}

const Json& expected() {
  static const Json kExpected = Json::parse(read_file(tale("expected.json"), 1'000'000));
  return kExpected;
}

double perplexity(double nats, double tokens) { return std::exp(nats / tokens); }

/// A checkpoint like the demo model, changed.
class ChangedDemo {
 public:
  ChangedDemo() {
    for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json",
                             "generation_config.json", "model.safetensors"})
      fs::copy(fs::path(demo()) / name, folder_ / name);
  }
  [[nodiscard]] std::string path() const { return folder_.path().string(); }
  void set_config(const std::string& field, const Json& value) const {
    Json config = Json::parse(read_file(folder_ / "config.json", 1'000'000));
    config[field] = value;
    static_cast<void>(folder_.write("config.json", config.dump()));
  }
  /// Every byte of every weight.
  void fill_weights(char byte) const {
    std::string bytes = read_file(folder_ / "model.safetensors", 100'000'000);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(sizeof header + header), bytes.end(), byte);
    static_cast<void>(folder_.write("model.safetensors", bytes));
  }
  [[nodiscard]] const test::TemporaryFolder& folder() const { return folder_; }

 private:
  test::TemporaryFolder folder_;
};

TEST(Eval, GivesTransformersPerplexityInWindowsOfEveryKind) {
  for (const Json& window : expected()["plain"]) {
    const std::string max_length = window["max_length"].dump();
    const std::string stride = window["stride"].dump();
    SCOPED_TRACE(testing::Message() << "--max-length " << max_length << " --stride " << stride);
    const Json report = report_of({"--model-path", demo(), "--dtype", "fp32", "--text", tale("tale.txt"),
                                   "--max-length", max_length, "--stride", stride});
    const Json& all = report["results"][0]["perplexity"]["all"];
    EXPECT_EQ(all["tokens"], window["tokens"]);
    const double right = perplexity(window["nats"], window["tokens"]);
    EXPECT_NEAR(all["perplexity"], right, 1e-4 * right);
    EXPECT_TRUE(report["results"][0]["exact_match"].is_null());
  }
}

TEST(Eval, ScoresEveryRowByItselfWithItsEnd) {
  const Json report = report_of({"--model-path", demo(), "--dtype", "fp32", "--text", tale("tale.jsonl")});
  const Json& found = report["results"][0]["perplexity"];
  for (const char* language : {"en", "zh", "all"}) {
    double nats = 0.0;
    int64_t tokens = 0;
    for (const Json& row : expected()["rows"]) {
      if (std::string(language) != "all" && row["language"] != language) continue;
      nats += row["nats"].get<double>();
      tokens += row["tokens"].get<int64_t>();
    }
    EXPECT_EQ(found[language]["tokens"], tokens);
    EXPECT_NEAR(found[language]["perplexity"], perplexity(nats, static_cast<double>(tokens)), 1e-4)
        << language;
  }
  const Json without =
      report_of({"--model-path", demo(), "--text", tale("tale.jsonl"), "--end-token", "off"});
  EXPECT_EQ(without["text"]["tokens"].get<int64_t>() + 3, report["text"]["tokens"]);
}

TEST(Eval, GivesTransformersDistanceFromABaseline) {
  const Json& distance = expected()["distance"];
  const ChangedDemo other;
  other.set_config("rope_theta", distance["rope_theta"]);
  const Json report =
      report_of({"--model-path", demo() + "," + other.path(), "--dtype", "fp32", "--text", tale("tale.txt"),
                 "--max-length", distance["max_length"].dump(), "--stride", distance["stride"].dump()});
  const Json& baseline = report["results"][0];
  const Json& found = report["results"][1];
  EXPECT_EQ(baseline["baseline"], true);
  EXPECT_TRUE(baseline["kl_divergence"].is_null());
  EXPECT_EQ(found["baseline"], false);
  const double divergence = distance["kl_divergence"];
  EXPECT_NEAR(found["kl_divergence"], divergence, 1e-3 * divergence);
  EXPECT_DOUBLE_EQ(found["top1_agreement"], distance["top1_agreement"]);
  const double right = perplexity(distance["nats"], expected()["plain"][1]["tokens"]);
  EXPECT_NEAR(found["perplexity"]["all"]["perplexity"], right, 1e-4 * right);
}

TEST(Eval, CountsAnAnswerAsTransformersDoes) {
  const Json report = report_of({"--model-path", demo(), "--questions", tale("questions.jsonl")});
  const Json& right = expected()["right"];
  const auto count = static_cast<double>(std::count(right.begin(), right.end(), true));
  EXPECT_EQ(report["questions"]["count"], right.size());
  EXPECT_DOUBLE_EQ(report["results"][0]["exact_match"]["all"]["all"],
                   count / static_cast<double>(right.size()));
  EXPECT_TRUE(report["results"][0]["perplexity"].is_null());
  // One question, whose stop is what is wrong or right about it: an answer that is only begun does not count.
  const test::TemporaryFolder folder;
  Json row = Json::parse(read_file(tale("questions.jsonl"), 1'000'000)
                             .substr(0, read_file(tale("questions.jsonl"), 1'000'000).find('\n')));
  const auto share = [&](const std::string& answer) {
    row["answer"] = answer;
    const auto path = folder.write("one.jsonl", row.dump());
    return report_of(
        {"--model-path", demo(), "--questions", path.string()})["results"][0]["exact_match"]["all"]["all"];
  };
  const std::string answer = row["answer"];
  EXPECT_EQ(share(answer), 1.0);
  EXPECT_EQ(share(answer.substr(0, answer.size() - 1)), 0.0);
  EXPECT_EQ(share(answer + " And then?"), 0.0);
}

TEST(Eval, FindsACheckpointNoDistanceFromItself) {
  for (const char* mode : {"eager", "max-autotune"}) {
    const Json report = report_of(
        {"--model-path", demo(), "--model-path", demo(), "--text", tale("tale.txt"), "--execute-mode", mode});
    EXPECT_EQ(report["results"][1]["kl_divergence"], 0.0);
    EXPECT_EQ(report["results"][1]["top1_agreement"], 1.0);
    EXPECT_EQ(report["results"][0]["perplexity"], report["results"][1]["perplexity"]);
  }
}

TEST(Eval, SaysHowFarRoundedWeightsAreFromTheirOriginals) {
  const Json report = report_of({"--model-path", demo(), "--quantize", "none,w8a16,w8a8,w4a16",
                                 "--kv-cache-dtype", "auto,auto,int8,auto", "--text", tale("tale.txt")});
  const Json& results = report["results"];
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0]["quantization"].is_null());
  EXPECT_EQ(results[1]["quantization"], "w8a16");
  EXPECT_EQ(results[2]["kv_cache_dtype"], "int8");
  EXPECT_EQ(results[3]["quantization"], "w4a16 g128");
  // Fewer bits are farther away, and weigh less.
  EXPECT_GT(results[1]["kl_divergence"], 0.0);
  EXPECT_GT(results[2]["kl_divergence"], results[1]["kl_divergence"]);
  EXPECT_GT(results[3]["kl_divergence"], results[2]["kl_divergence"]);
  EXPECT_LT(results[1]["weights_bytes"], results[0]["weights_bytes"]);
  EXPECT_LT(results[3]["weights_bytes"], results[1]["weights_bytes"]);
}

TEST(Eval, GivesAModelThatKnowsNothingThePerplexityOfItsVocabulary) {
  const ChangedDemo uniform;
  uniform.fill_weights('\0');
  const Json report = report_of({"--model-path", uniform.path(), "--text", tale("tale.txt")});
  EXPECT_NEAR(report["results"][0]["perplexity"]["all"]["perplexity"], 3072.0, 1e-8);
}

TEST(Eval, ShowsABrokenCheckpoint) {
  const ChangedDemo broken;
  broken.fill_weights('\xff');  // NaN
  const test::TemporaryFolder folder;
  const std::string svg = (folder / "eval.svg").string();
  const Json report =
      report_of({"--model-path", demo() + "," + broken.path(), "--text", tale("tale.txt"), "--svg", svg});
  EXPECT_THAT(read_file(svg, 1'000'000), testing::Not(HasSubstr("\"nan")));
  EXPECT_TRUE(report["results"][1]["perplexity"]["all"]["perplexity"].is_null());
  EXPECT_TRUE(report["results"][1]["kl_divergence"].is_null());
  EXPECT_LT(report["results"][0]["perplexity"]["all"]["perplexity"], 5.0);
}

TEST(Eval, TakesTheDemoModelsOwnFilesAndAPartOfThem) {
  const Json report = report_of({"--model-path", demo(), "--limit", "5"});
  EXPECT_EQ(report["text"]["windows"], 5);
  EXPECT_EQ(report["text"]["end_token"], true);
  EXPECT_EQ(report["questions"]["count"], 5);
  EXPECT_THAT(report["text"]["file"].get<std::string>(), testing::EndsWith("heldout/stories.jsonl"));
}

TEST(Eval, ShowsATableAndDrawsIt) {
  const test::TemporaryFolder folder;
  const fs::path json = folder / "eval.json";
  const fs::path svg = folder / "eval.svg";
  const Outcome outcome = evaluate_with({"--model-path", demo() + "," + demo(), "--dtype", "bf16,fp32",
                                         "--text", tale("tale.txt"), "--questions", tale("questions.jsonl"),
                                         "--json", json.string(), "--svg", svg.string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part :
       {"tale.txt: 330 tokens of 1 text, in windows of 512, stride 256", ": 24 questions", "checkpoint",
        "perplexity", "exact match", "KL", "top-1", "demo  bf16", "demo  fp32", "against the baseline, "}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_EQ(Json::parse(read_file(json, 1'000'000))["results"].size(), 2U);
  const std::string drawing = read_file(svg, 1'000'000);
  for (const char* part : {"<svg ", "Perplexity", "Exact match", "KL from", "Top-1", "demo bf16", "</svg>"})
    EXPECT_THAT(drawing, HasSubstr(part));
}

TEST(Eval, SaysWhatIsWrongInOneSentence) {
  const test::TemporaryFolder folder;
  const auto refusal = [](std::vector<std::string> words) {
    const Outcome outcome = evaluate_with(std::move(words));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    return outcome.err;
  };
  const std::string tiny = test::fixture("models/mha").string();
  EXPECT_THAT(refusal({"--model-path", tiny, "--text", tale("tale.txt")}),
              HasSubstr("has no tokenizer, expected one, to turn texts into tokens"));
  EXPECT_THAT(
      refusal({"--model-path", demo() + "," + tiny, "--text", tale("tale.txt"), "--max-length", "32"}),
      HasSubstr("has a vocabulary of 131 tokens, expected 3072 as the baseline"));
  EXPECT_THAT(refusal({"--model-path", demo(), "--text", "/nowhere/tale.txt"}),
              HasSubstr("/nowhere/tale.txt"));
  EXPECT_THAT(refusal({"--model-path", demo(), "--text", demo()}), HasSubstr("models/demo"));
  EXPECT_THAT(refusal({"--model-path", demo(), "--json", "/nowhere/x.json"}), HasSubstr("cannot be written"));
  EXPECT_THAT(refusal({"--model-path", demo(), "--questions", folder.write("q.jsonl", "{}").string()}),
              HasSubstr("line 1: field \"prompt\" is missing"));
  std::string story = "Once";
  for (int i = 0; i < 600; ++i) story += " upon";
  const Json row = {{"prompt", story}, {"answer", "Yes."}};
  EXPECT_THAT(refusal({"--model-path", demo(), "--questions", folder.write("q.jsonl", row.dump()).string()}),
              HasSubstr("tokens, expected at most 511, so that the context of"));
}

TEST(Eval, RefusesATextWithNothingToPredict) {
  const test::TemporaryFolder folder;
  const ChangedDemo changed;
  const Outcome outcome =
      evaluate_with({"--model-path", demo(), "--text", folder.write("x.jsonl", "{\"text\": \"\"}").string(),
                     "--end-token", "off"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("x.jsonl: holds no token that another one comes before"));
}

TEST(Eval, RefusesCheckpointsWhoseTokenizersDisagree) {
  const ChangedDemo other;
  Json tokenizer = Json::parse(read_file(other.folder() / "tokenizer.json", 10'000'000));
  Json& merges = tokenizer["model"]["merges"];
  merges.erase(merges.begin(), merges.begin() + static_cast<std::ptrdiff_t>(merges.size() / 2));
  static_cast<void>(other.folder().write("tokenizer.json", tokenizer.dump()));
  const Outcome outcome =
      evaluate_with({"--model-path", demo() + "," + other.path(), "--text", tale("tale.txt")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("its tokenizer makes other tokens of"));
}

}  // namespace
}  // namespace caravan::eval
