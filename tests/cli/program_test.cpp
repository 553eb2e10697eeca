// The program as a user meets it: what it prints, and the one sentence that it has for each mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/safetensors.h"
#include "cli/outcome.h"
#include "support/paths.h"

namespace caravan::cli {
namespace {

using test::caravan_program;
using test::Outcome;
using testing::HasSubstr;

namespace fs = std::filesystem;

std::string demo() { return (test::source_dir() / "models" / "demo").string(); }
std::string tiny() { return test::fixture("models/gqa_odd_head").string(); }

/// `caravan run` on the demo model, greedily.
Outcome run_demo(std::vector<std::string> more) {
  std::vector<std::string> words = {"run", "--model-path",        demo(), "--temperature",
                                    "0",   "--max-output-length", "24"};
  words.insert(words.end(), more.begin(), more.end());
  return caravan_program(words);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The names of all commands, as the general help lists them; one may be of several words.
std::vector<std::string> commands_of(const std::string& help) {
  std::vector<std::string> commands;
  bool listed = false;
  for (const std::string& line : lines_of(help)) {
    if (listed && line.empty()) break;
    if (listed) commands.push_back(line.substr(2, line.find("  ", 2) - 2));
    listed = listed || line == "commands:";
  }
  return commands;
}

void expect_fits_a_screen(const std::string& help) {
  const std::vector<std::string> lines = lines_of(help);
  EXPECT_LE(lines.size(), 50U);
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  for (const std::string& line : lines)
    EXPECT_LE(std::count_if(line.begin(), line.end(), begins_character), 100) << line;
}

TEST(Help, OfEveryCommandFitsAScreen) {
  const Outcome general = caravan_program({"--help"});
  EXPECT_EQ(general.code, 0);
  expect_fits_a_screen(general.out);
  const std::vector<std::string> commands = commands_of(general.out);
  EXPECT_THAT(commands, testing::UnorderedElementsAre("run", "serve", "bench", "bench serve", "eval",
                                                      "quantize", "info", "graph", "tokenize", "detokenize"));
  for (const std::string& command : commands) {
    SCOPED_TRACE(command);
    std::istringstream names(command);
    std::vector<std::string> words{std::istream_iterator<std::string>(names), {}};
    words.emplace_back("--help");
    const Outcome help = caravan_program(words);
    EXPECT_EQ(help.code, 0);
    EXPECT_TRUE(help.out.starts_with("caravan " + command + " ")) << help.out;
    expect_fits_a_screen(help.out);
  }
}

TEST(Run, StreamsThePromptAndItsContinuationAndEndsWithFigures) {
  const Outcome outcome = run_demo({"--prompt", "Once upon a time"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.out.starts_with("Once upon a time")) << outcome.out;
  EXPECT_GT(outcome.out.size(), 40U);
  EXPECT_FALSE(utf8_first_invalid(outcome.out).has_value());
  for (const char* figure : {"load ", "| prefill ", " tokens/s) | decode ", " ms per token", "| peak memory ",
                             "| steps: 1 bound, "}) {
    EXPECT_THAT(outcome.err, HasSubstr(figure));
  }
}

TEST(Run, WritesOneJsonObjectForEachPromptInOrder) {
  const Outcome outcome =
      run_demo({"--json", "--prompt", "Once upon a time", "--prompt", "从前", "--batch-size", "2"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::vector<Json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(Json::parse(line));
  ASSERT_EQ(objects.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(objects[i]["index"], i);
    EXPECT_FALSE(objects[i]["text"].get<std::string>().empty());
    EXPECT_TRUE(objects[i]["finish_reason"] == "stop" || objects[i]["finish_reason"] == "length");
    EXPECT_GT(objects[i]["timings"]["total_ms"], 0.0);
    EXPECT_LE(objects[i]["token_ids"].size(), 24U);
  }
}

TEST(Run, GivesEachPromptOfABatchWhatItGivesAloneWithPaddingToo) {
  const std::vector<std::string> prompts = {"--prompt", "Once upon a time", "--prompt",
                                            "从前有",   "--prompt",         "One"};
  const auto with = [&prompts](std::vector<std::string> more) {
    more.insert(more.end(), prompts.begin(), prompts.end());
    return run_demo(more).out;
  };
  const std::string alone = with({});
  EXPECT_EQ(with({"--batch-size", "3"}), alone);
  EXPECT_EQ(with({"--batch_size=2", "--kv_cache", "paged"}), alone);
  EXPECT_EQ(with({"--batch-size", "3", "--input-padding", "--max-input-length", "32"}), alone);
  EXPECT_EQ(with({"--max-batch-tokens", "2", "--threads", "3"}), alone);
}

TEST(Run, TakesAnInt8CacheOfEitherKindAndInEveryMode) {
  const auto with = [](std::vector<std::string> more) {
    more.insert(more.end(),
                {"--kv-cache-dtype", "int8", "--prompt", "Once upon a time", "--prompt", "从前有"});
    const Outcome outcome = run_demo(more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string expected = with({});
  EXPECT_THAT(expected, HasSubstr("Once upon a time"));
  EXPECT_EQ(with({"--batch-size", "2", "--kv-cache", "paged"}), expected);
  EXPECT_EQ(with({"--execute-mode", "eager"}), expected);
  EXPECT_EQ(with({"--execute-mode", "reduce-overhead", "--max-batch-tokens", "3"}), expected);
}

TEST(Run, ContinuesIdsWithoutATokenizer) {
  const Outcome outcome = caravan_program({"run", "--model-path", tiny(), "--input-ids", "5,6,7",
                                           "--max-output-length", "4", "--temperature", "0", "--ignore-eos"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream ids(outcome.out);
  int count = 0;
  for (int id = 0; ids >> id;) ++count;
  EXPECT_EQ(count, 4);
}

TEST(Run, EndsBeforeAStopString) {
  const std::string whole = run_demo({"--prompt", "Once upon a time"}).out;
  const size_t space = whole.find(' ', whole.size() / 2);
  ASSERT_NE(space, std::string::npos);
  const std::string stop = whole.substr(space, 4);
  const std::string stopped = run_demo({"--prompt", "Once upon a time", "--stop", stop}).out;
  EXPECT_EQ(stopped, whole.substr(0, whole.find(stop, 16)) + "\n");
}

TEST(Run, DrawsTheSameTextForTheSameSeed) {
  const auto text = [](const std::string& seed) {
    return caravan_program({"run", "--model-path", demo(), "--prompt", "Once", "--temperature", "1.5",
                            "--seed", seed, "--max-output-length", "24"})
        .out;
  };
  EXPECT_EQ(text("7"), text("7"));
  EXPECT_NE(text("7"), text("8"));
}

TEST(Run, WritesTheLogitsOfEveryPosition) {
  const test::TemporaryFolder folder;
  const fs::path file = folder / "logits.safetensors";
  const Outcome outcome = run_demo({"--input-ids", "1,2,3", "--ignore-eos", "--logits-out", file.string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const MappedFile mapped(file);
  const SafetensorsHeader header =
      parse_safetensors_header(mapped.bytes(), mapped.bytes().size(), file.string());
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "logits.0");
  EXPECT_EQ(header.tensors[0].shape[0], 3 + 24 - 1);
  EXPECT_EQ(header.tensors[1].shape, (Shape{3 + 24}));
}

TEST(Run, LeavesNothingBehindWhenTheDiskIsFull) {
  const test::TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  // A limit on the size of files fails writes as a full disk does.
  const rlimit small = {.rlim_cur = 10'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const test::TemporaryFolder capture;
  const Outcome outcome =
      run_demo({"--prompt", "Once", "--logits-out", (folder / "logits.safetensors").string()});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err,
              HasSubstr("logits.safetensors: writing failed, and nothing was left behind: File too large"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Run, SaysThatTheDeviceIsFull) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const Outcome outcome = run_demo({"--prompt", "Once", "--logits-out", "/dev/full"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("/dev/full: writing failed"));
  EXPECT_TRUE(fs::exists("/dev/full"));
}

TEST(Chat, AppliesTheTemplateAndShowsTheAnswerOnly) {
  const Outcome outcome = run_demo({"--chat", "--prompt", "Tell me a story."});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("Tell me a story.")));
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("<|")));
}

TEST(Tokenize, GoesThereAndBack) {
  const Outcome ids =
      caravan_program({"tokenize", "--model-path", demo(), "--prompt", "Once upon a time, 从前"});
  ASSERT_EQ(ids.code, 0) << ids.err;
  std::string list;
  for (const Json& id : Json::parse(ids.out)) list += std::to_string(id.get<int>()) + ",";
  const Outcome text = caravan_program({"detokenize", "--model-path", demo(), "--input-ids", list});
  EXPECT_EQ(text.out, "Once upon a time, 从前\n");
}

TEST(Info, SaysWhatACheckpointIs) {
  const Outcome outcome = caravan_program({"info", demo()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // What has no weights, but a KV cache.
  EXPECT_THAT(outcome.out, testing::ContainsRegex("int8 +- +"));
  for (const char* part : {"LlamaForCausalLM", "layers", "vocabulary", "context", "parameters", "bf16",
                           "tokenizer", "chat template", "memory by dtype"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

TEST(Info, SaysWhatAGgufFileHolds) {
  const Outcome outcome = caravan_program({"info", test::fixture("gguf/q8_0.gguf").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"GGUF version 3", "LlamaForCausalLM", "bf16 by its tensors", "of Q8_0", "of Q4_1",
                           "w4a16, per channel, minimums", "SentencePiece (GGUF), 440 tokens"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_THAT(caravan_program({"info", "no.gguf"}).err, HasSubstr("there is no file \"no.gguf\""));
}

TEST(Run, KeepsTheBlocksOfAGgufFile) {
  const Outcome outcome = caravan_program({"run", "--model-path", test::fixture("gguf/q8_0.gguf").string(),
                                           "--prompt", "Once upon a time", "--max-output-length", "4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, testing::Not(HasSubstr("warning")));
}

TEST(Info, SaysWhatTheMachineIs) {
  const Outcome outcome = caravan_program({"info", "--system"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"usable CPUs", "kernels", "memory nodes", "huge pages", "tile shapes"})
    EXPECT_THAT(outcome.out, HasSubstr(part));
}

TEST(Info, SaysTheSchemeByLayer) {
  const Outcome blocks = caravan_program({"info", test::fixture("gguf/q8_0.gguf").string()});
  ASSERT_EQ(blocks.code, 0) << blocks.err;
  EXPECT_THAT(
      blocks.out,
      HasSubstr("layer 0: w8a16, per channel; w4a16, groups of 32: mlp.down_proj; w4a16, per channel: "
                "mlp.gate_proj; w4a16, per channel, minimums: mlp.up_proj\n"));
  const Outcome plain = caravan_program({"info", demo()});
  EXPECT_THAT(plain.out, HasSubstr("layers 0 to 3: bf16\n"));
  const Outcome w8a8 = caravan_program({"info", demo(), "--quantize", "w8a8", "--lm-head", "keep"});
  ASSERT_EQ(w8a8.code, 0) << w8a8.err;
  EXPECT_THAT(w8a8.out, HasSubstr("layers 0 to 3: w8a8, per channel\n"));
  EXPECT_THAT(w8a8.out, HasSubstr("embed_tokens: bf16\n"));
  EXPECT_THAT(caravan_program({"info", demo(), "--quantize", "w4a16"}).out,
              HasSubstr("lm_head: w8a16, per channel\n"));
}

TEST(Info, TellsTheMemoryOfWhatIsLoaded) {
  const std::string config = (test::source_dir() / "models/configs/llama-2-7b").string();
  const std::vector<std::string> batch = {"info",         config, "--dtype",          "bf16",
                                          "--batch-size", "4",    "--tokens",         "2048",
                                          "--quantize",   "w8a8", "--kv-cache-dtype", "int8"};
  const Outcome outcome = caravan_program(batch);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // 6.61 billion weights in a byte and its fp32 scales, the embedding in two; 131,072 keys and values for
  // each head, with a scale each.
  EXPECT_THAT(outcome.out, testing::ContainsRegex("as loaded +6.88 GB +553.65 MB +1.11 GB"));
  EXPECT_THAT(outcome.out,
              testing::ContainsRegex("4 sequences of 2048 tokens as w8a8/int8: 6.88 GB \\+ 2.21 GB = "
                                     "9.10 GB, 0.512 of the 17.77 GB as bf16/bf16"));
  EXPECT_THAT(caravan_program({"info", config}).out, testing::Not(HasSubstr(" of the ")));
  const Outcome wrong = caravan_program({"info", config, "--quantize", "w9"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.out, "");
}

TEST(Info, CountsAllExpertsOfAMixture) {
  const std::string config = (test::source_dir() / "models/configs/mixtral-8x7b-v0.1").string();
  const Outcome outcome = caravan_program({"info", config, "--quantize", "w8a8"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // 46.7 billion parameters of two bytes.
  EXPECT_THAT(outcome.out, testing::ContainsRegex("bf16 +93.42 GB"));
  EXPECT_THAT(outcome.out, HasSubstr("layers 0 to 31: w8a8, per channel; bf16: block_sparse_moe.gate\n"));
}

TEST(Info, NeedsNothingButAConfig) {
  const Outcome outcome =
      caravan_program({"info", (test::source_dir() / "models/configs/llama-2-7b").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("6738415616"));
}

TEST(Graph, PrintsPassesNodesAndThePlanAndDrawsThem) {
  const test::TemporaryFolder folder;
  const std::string svg = (folder / "graph.svg").string();
  const Outcome outcome = caravan_program({"graph", demo(), "--svg", svg, "--batch-size", "6"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"fuse_residual", "rope_kv_write(", "layers 1 to 2 do the same", "planned into",
                           "gears of 1, 2, 3, 4, 6 sequences"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_THAT(read_file(svg, 1'000'000), HasSubstr("</svg>"));
  const Outcome eager = caravan_program({"graph", demo(), "--mode", "eager", "--full"});
  EXPECT_THAT(eager.out, HasSubstr("model.layers.3.mlp.up_proj.weight"));
  EXPECT_THAT(eager.out, testing::Not(HasSubstr("packed_linear")));
}

TEST(Graph, IsThatOfWhatWouldRun) {
  const Outcome int8 = caravan_program({"graph", demo(), "--kv-cache-dtype", "int8"});
  ASSERT_EQ(int8.code, 0) << int8.err;
  EXPECT_THAT(int8.out, HasSubstr("int8 KV cache"));
  // Which of a GGUF file's matrices are quantised, its tensors alone say.
  const Outcome blocks =
      caravan_program({"graph", test::fixture("gguf/q8_0.gguf").string(), "--mode", "eager", "--full"});
  ASSERT_EQ(blocks.code, 0) << blocks.err;
  EXPECT_THAT(blocks.out, HasSubstr("packed_linear"));
}

TEST(Run, RunsRandomWeightsFromAConfigAlone) {
  const test::TemporaryFolder folder;
  fs::copy(test::fixture("models/mha/config.json"), folder / "config.json");
  const Outcome outcome = caravan_program({"run", "--model-path", folder.path().string(), "--load-format",
                                           "dummy", "--input-ids", "3,4", "--max-output-length", "3"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST(Program, HasOneSentenceForEachMistake) {
  const test::TemporaryFolder folder;
  const std::string empty_file = folder.write("empty.txt", "").string();
  const std::string blank_line = folder.write("blank.txt", "one\n\ntwo\n").string();
  const std::string bad_json = folder.write("bad.jsonl", "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n").string();
  const std::string bad_ids = folder.write("ids.jsonl", "{\"input_ids\": [1, -2]}\n").string();
  const std::string long_prompt(3000, 'x');
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"rnu"}, "unknown command \"rnu\": did you mean run?"},
      {{"run", "--model-path", demo()}, "--prompt: is missing"},
      {{"run", "--prompt", "a"}, "--model-path: is missing"},
      {{"run", "--model-path", "/nowhere", "--prompt", "a"}, "--model-path: there is no folder \"/nowhere\""},
      {{"run", "--model-path", "/etc/passwd", "--prompt", "a"}, "is not a folder"},
      {{"run", "--model-path", folder.path().string(), "--prompt", "a"}, "config.json"},
      {{"run", "--model-path", demo(), "--promt", "a"}, "unknown flag \"--promt\": did you mean --prompt?"},
      {{"run", "--model-path", demo(), "--prompt", ""}, "--prompt: the prompt is empty"},
      {{"run", "--model-path", demo(), "--prompt", "a\xFF"}, "byte 1 of the prompt is not valid UTF-8"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--temperature", "-1"},
       "--temperature: found -1, expected"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--top-p", "x"},
       "--top-p: found \"x\", expected a number"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--threads", "0"},
       "--threads: found \"0\", expected an integer"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--dtype", "fp8"},
       "--dtype: found \"fp8\", expected auto, fp32"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--kv-cache-dtype", "fp8"},
       "--kv-cache-dtype: found \"fp8\", expected auto or int8"},
      {{"serve", "--model-path", demo(), "--log-level", "warning", "--kv-cache-dtype", "bf16"},
       "--kv-cache-dtype: found \"bf16\", expected auto or int8"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--device", "cuda"},
       "this build has no CUDA kernels"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--execute-mode", "fast"},
       "--execute-mode: found \"fast\", expected eager, reduce-overhead, max-autotune or dynamo"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--tp", "2"}, "--tp: found 2"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--input-padding"},
       "--input-padding: needs --max-input-length"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--max-output-length", "9999"},
       "--max-output-length: found"},
      {{"run", "--model-path", demo(), "--prompt", long_prompt}, "tokens, expected at most"},
      {{"run", "--model-path", demo(), "--prompt", "a b c d", "--max-input-length", "2"},
       "expected at most 2"},
      {{"run", "--model-path", demo(), "--input-ids", "1,x"}, "--input-ids: found \"x\", expected token ids"},
      {{"run", "--model-path", demo(), "--input-ids", "1,99999"}, "token id 99999, expected 0 to"},
      {{"run", "--model-path", demo(), "--input-file", "/nowhere"},
       "/nowhere: cannot be opened: No such file"},
      {{"run", "--model-path", demo(), "--input-file", empty_file}, "is empty, expected one prompt per line"},
      {{"run", "--model-path", demo(), "--input-file", blank_line}, "line 2: the prompt is empty"},
      {{"run", "--model-path", demo(), "--input-file", bad_json}, "line 2: expected an object with either"},
      {{"run", "--model-path", demo(), "--input-file", bad_ids},
       "line 1: field \"input_ids\" holds the number -2"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--logits-out", "/nowhere/x"},
       "/nowhere/x: cannot be written"},
      {{"run", "--model-path", demo(), "--prompt", "a", "--logits-out", folder.path().string()},
       "is a folder"},
      {{"run", "--model-path", tiny(), "--prompt", "a"},
       "the checkpoint has no tokenizer, expected --input-ids"},
      {{"run", "--model-path", tiny(), "--input-ids", "3", "--chat"}, "has no tokenizer"},
      {{"run", "--model-path", tiny(), "--input-ids", "3", "--stop", "x"},
       "--stop: the checkpoint has no tokenizer"},
      {{"run", "--model-path", (test::source_dir() / "models/configs/llama-2-7b").string(), "--input-ids",
        "3"},
       "llama-2-7b"},
      {{"graph"}, "expected one checkpoint folder"},
      {{"graph", "/nowhere"}, "there is no folder \"/nowhere\""},
      {{"graph", demo(), "--mode", "fast"}, "--mode: found \"fast\", expected eager"},
      {{"graph", demo(), "--tokens", "2", "--batch-size", "3"}, "--tokens: found 2, expected at least"},
      {{"info"}, "expected one checkpoint folder"},
      {{"info", "/nowhere"}, "there is no folder \"/nowhere\""},
      {{"tokenize", "--model-path", tiny(), "--prompt", "a"}, "has no tokenizer"},
      {{"detokenize", "--model-path", demo(), "--input-ids", "99999"}, "token id 99999, expected 0 to"},
  };
  for (const auto& [words, sentence] : cases) {
    const Outcome outcome = caravan_program(words);
    EXPECT_EQ(outcome.code, 2) << sentence;
    EXPECT_THAT(outcome.err, HasSubstr(sentence));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST(ChooseLevel, SaysWhichLevelsThereAre) {
  setenv("CARAVAN_ISA", "avx1024", 1);
  const Outcome outcome = run_demo({"--prompt", "a"});
  unsetenv("CARAVAN_ISA");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(
      outcome.err,
      HasSubstr(
          "CARAVAN_ISA: found \"avx1024\", expected one of what this machine and build have: portable"));
}

}  // namespace
}  // namespace caravan::cli
