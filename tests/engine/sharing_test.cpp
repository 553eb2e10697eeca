// The engine where sequences share what they can and lack what they need: prefix cache, preemption, choices,
// beams, guides. None of it may change a token of a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "engine/engine.h"
#include "support/paths.h"

namespace caravan {
namespace {

constexpr const char* kConfig = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 40, "intermediate_size": 56,
  "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 10, "vocab_size": 97,
  "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "hidden_act": "silu",
  "rope_theta": 10000.0, "eos_token_id": 2, "bos_token_id": 1)";

/// The tokens of each choice of a request.
using Texts = std::map<int64_t, std::vector<int32_t>>;

class SharingTest : public testing::Test {
 protected:
  explicit SharingTest(const std::string& more = "") {
    static_cast<void>(folder_.write("config.json", std::string(kConfig) + more + "}"));
  }

  static EngineOptions base_options() {
    EngineOptions options;
    options.isa = available_levels(cpu_features()).back();
    options.threads = 2;
    options.kv_cache = KvCacheKind::kPaged;
    options.max_sequence_length = 128;
    options.max_sequences = 8;
    return options;
  }

  [[nodiscard]] std::unique_ptr<Engine> make_engine(const EngineOptions& options) const {
    return std::make_unique<Engine>(load_model(folder_.path(), {.dtype = DType::kBF16,
                                                                .kv_cache_dtype = kv_dtype_,
                                                                .format = LoadFormat::kDummy,
                                                                .compile = true}),
                                    options);
  }

  /// Prompts that begin alike, greedy and sampled by turns.
  static std::vector<Request> base_requests(size_t count = 6) {
    std::vector<Request> requests;
    for (size_t r = 0; r < count; ++r) {
      Request request;
      for (size_t i = 0; i < 35 + 3 * r; ++i)
        request.prompt.push_back(static_cast<int32_t>(i < 33 ? i : (i * 31 + r * 7) % 97));
      request.sampling.temperature = r % 2 == 0 ? 0.0 : 0.8;
      request.sampling.seed = r;
      request.max_output = 30;
      requests.push_back(request);
    }
    return requests;
  }

  static std::vector<Texts> run(Engine& engine, const std::vector<Request>& requests) {
    std::map<SequenceId, Texts> texts;
    for (const Request& request : requests) texts[engine.add(request)];
    while (engine.has_work()) {
      for (const StepResult& result : engine.step()) {
        if (result.token.has_value()) texts.at(result.id)[result.choice].push_back(*result.token);
      }
    }
    EXPECT_EQ(engine.pool().free(), engine.pool().total());
    std::vector<Texts> ordered;
    for (auto& [id, text] : texts) ordered.push_back(std::move(text));
    return ordered;
  }

  /// What beam searches find.
  static std::vector<std::vector<Beam>> search(Engine& engine, const std::vector<Request>& requests) {
    std::map<SequenceId, std::vector<Beam>> found;
    for (const Request& request : requests) found[engine.add(request)];
    while (engine.has_work()) {
      for (const StepResult& result : engine.step()) found.at(result.id) = result.beams;
    }
    std::vector<std::vector<Beam>> ordered;
    for (auto& [id, beams] : found) ordered.push_back(std::move(beams));
    return ordered;
  }

  [[nodiscard]] std::vector<Texts> alone(const std::vector<Request>& requests) const {
    EngineOptions options = base_options();
    std::vector<Texts> texts;
    for (const Request& request : requests) {
      const auto engine = make_engine(options);
      texts.push_back(run(*engine, {request}).front());
    }
    return texts;
  }

  test::TemporaryFolder folder_;
  std::optional<DType> kv_dtype_;
};

TEST_F(SharingTest, AnInt8CacheIsSharedForkedAndPreemptedLikeAnyOther) {
  kv_dtype_ = DType::kI8;
  std::vector<Request> requests = base_requests();
  const std::vector<Texts> expected = alone(requests);
  EngineOptions options = base_options();
  options.prefix_cache = true;
  options.max_sequences = 2;
  const auto sharing = make_engine(options);
  EXPECT_EQ(run(*sharing, requests), expected);
  EXPECT_GE(sharing->scheduler().stats().prefix_hits, 4 * 32);
  options = base_options();
  options.kv_blocks = 12;
  const auto preempting = make_engine(options);
  EXPECT_EQ(run(*preempting, requests), expected);
  EXPECT_GT(preempting->scheduler().stats().preemptions, 0);
  // Choices fork in the middle of a block, which is copied.
  Request several = requests.at(1);
  several.choices = 3;
  const Texts together = run(*make_engine(base_options()), {several}).front();
  for (int64_t choice = 0; choice < 3; ++choice) {
    Request single = several;
    single.choices = 1;
    single.sampling.seed += static_cast<uint64_t>(choice);
    EXPECT_EQ(together.at(choice), alone({single}).front().at(0)) << choice;
  }
}

TEST_F(SharingTest, APrefixThatIsFoundChangesNoToken) {
  const std::vector<Request> requests = base_requests();
  EngineOptions options = base_options();
  options.prefix_cache = true;
  options.max_sequences = 2;
  const auto engine = make_engine(options);
  EXPECT_EQ(run(*engine, requests), alone(requests));
  EXPECT_GE(engine->scheduler().stats().prefix_hits, 4 * 32);
  EXPECT_EQ(run(*engine, requests), alone(requests));
}

TEST_F(SharingTest, PreemptionChangesNoToken) {
  const std::vector<Request> requests = base_requests();
  for (const bool prefix_cache : {false, true}) {
    EngineOptions options = base_options();
    options.prefix_cache = prefix_cache;
    options.kv_blocks = 12;
    const auto engine = make_engine(options);
    EXPECT_EQ(run(*engine, requests), alone(requests));
    EXPECT_GT(engine->scheduler().stats().preemptions, 0);
  }
}

TEST_F(SharingTest, PacedPromptsChangeNoToken) {
  const std::vector<Request> requests = base_requests();
  EngineOptions options = base_options();
  options.prefill_stretch = 1.5;
  options.max_batch_tokens = 24;
  EXPECT_EQ(run(*make_engine(options), requests), alone(requests));
}

TEST_F(SharingTest, ChoicesAreWhatTheirSeedsGiveAlone) {
  Request request = base_requests(2).back();
  request.choices = 4;
  for (const std::optional<int64_t> blocks : {std::optional<int64_t>(), std::optional<int64_t>(9)}) {
    EngineOptions options = base_options();
    options.kv_blocks = blocks;
    const auto engine = make_engine(options);
    const Texts together = run(*engine, {request}).front();
    ASSERT_EQ(together.size(), 4U);
    for (int64_t choice = 0; choice < 4; ++choice) {
      Request single = request;
      single.choices = 1;
      single.sampling.seed += static_cast<uint64_t>(choice);
      EXPECT_EQ(together.at(choice), alone({single}).front().at(0)) << choice;
    }
  }
}

TEST_F(SharingTest, AskingForMoreChoicesThanRunTogetherIsRefused) {
  const auto engine = make_engine(base_options());
  Request request = base_requests(1).front();
  request.choices = 9;
  EXPECT_THROW(static_cast<void>(engine->add(request)), Error);
}

TEST_F(SharingTest, CancellingAChoiceLeavesTheOthers) {
  Request request = base_requests(2).back();
  request.choices = 3;
  const Texts whole = run(*make_engine(base_options()), {request}).front();
  const auto engine = make_engine(base_options());
  const SequenceId id = engine->add(request);
  Texts texts;
  for (int step = 0; engine->has_work(); ++step) {
    for (const StepResult& result : engine->step()) texts[result.choice].push_back(*result.token);
    if (step == 3) engine->cancel(id, 1);
  }
  EXPECT_EQ(texts.at(0), whole.at(0));
  EXPECT_EQ(texts.at(1).size(), 4U);
  EXPECT_EQ(texts.at(2), whole.at(2));
  EXPECT_EQ(engine->pool().free(), engine->pool().total());
}

TEST_F(SharingTest, PreemptionChangesNoEmbedding) {
  std::vector<Request> requests = base_requests(5);
  Request embedded = requests.back();
  for (int i = 0; i < 40; ++i) embedded.prompt.push_back(i);
  embedded.embed = true;
  embedded.max_output = 0;
  requests.back() = embedded;
  const auto embedding_of = [](Engine& engine) {
    std::vector<float> embedding;
    while (engine.has_work()) {
      for (const StepResult& result : engine.step()) {
        if (!result.embedding.empty()) embedding = result.embedding;
      }
    }
    return embedding;
  };
  const auto alone = make_engine(base_options());
  alone->add(embedded);
  const std::vector<float> expected = embedding_of(*alone);
  for (const int64_t blocks : {15, 16, 17}) {
    EngineOptions options = base_options();
    options.kv_blocks = blocks;
    options.max_batch_tokens = 8;
    const auto engine = make_engine(options);
    for (const Request& request : requests) engine->add(request);
    EXPECT_EQ(embedding_of(*engine), expected) << blocks;
    EXPECT_GT(engine->scheduler().stats().preemptions, 0) << blocks;
  }
}

TEST_F(SharingTest, ABeamOfOneIsGreedy) {
  Request request = base_requests(1).front();
  const std::vector<int32_t> greedy = alone({request}).front().at(0);
  request.beams = BeamSearch{};
  const auto engine = make_engine(base_options());
  engine->add(request);
  std::vector<Beam> beams;
  while (engine->has_work()) {
    for (const StepResult& result : engine->step()) beams = result.beams;
  }
  ASSERT_EQ(beams.size(), 1U);
  EXPECT_EQ(beams[0].tokens, greedy);
}

TEST_F(SharingTest, BeamsFindNoLessLikelyTextsThanGreedyAndFreeTheirBlocks) {
  Request request = base_requests(1).front();
  request.max_output = 12;
  std::vector<std::vector<Beam>> found;
  for (const auto& [width, blocks] : std::vector<std::pair<int64_t, int64_t>>{{1, 64}, {4, 64}, {4, 13}}) {
    EngineOptions options = base_options();
    options.kv_blocks = blocks;
    const auto engine = make_engine(options);
    request.beams = BeamSearch{.length_penalty = 0.0, .early_stopping = false};
    request.choices = width;
    engine->add(request);
    while (engine->has_work()) {
      for (const StepResult& result : engine->step()) found.push_back(result.beams);
    }
    EXPECT_EQ(engine->pool().free(), engine->pool().total());
  }
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].size(), 4U);
  EXPECT_GE(found[1][0].logprob, found[0][0].logprob - 1e-6);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(found[1][i].tokens, found[2][i].tokens) << i;
}

TEST_F(SharingTest, SearchesThatLackBlocksTogetherFindWhatTheyFindAlone) {
  std::vector<Request> requests = base_requests(2);
  for (Request& request : requests) {
    request.max_output = 40;
    request.choices = 4;
    request.beams = BeamSearch{.length_penalty = 0.0, .early_stopping = false};
  }
  std::vector<std::vector<Beam>> alone;
  for (const Request& request : requests) alone.push_back(search(*make_engine(base_options()), {request})[0]);
  // One search needs 20 at most, as check() has it.
  for (const int64_t blocks : {20, 21, 22, 23, 24, 25}) {
    EngineOptions options = base_options();
    options.kv_blocks = blocks;
    const auto engine = make_engine(options);
    const std::vector<std::vector<Beam>> together = search(*engine, requests);
    for (size_t r = 0; r < requests.size(); ++r) {
      ASSERT_EQ(together[r].size(), alone[r].size());
      for (size_t i = 0; i < alone[r].size(); ++i) EXPECT_EQ(together[r][i].tokens, alone[r][i].tokens);
    }
    EXPECT_EQ(engine->pool().free(), engine->pool().total());
  }
}

TEST_F(SharingTest, ReportsLogprobsOfThePromptOnceHoweverItIsCutOrPreempted) {
  std::vector<Request> requests = base_requests();
  for (Request& request : requests) request.prompt_logprobs = 2;
  const auto run_scored = [&](const EngineOptions& options) {
    const auto engine = make_engine(options);
    std::map<SequenceId, std::vector<float>> scores;
    for (const Request& request : requests) scores[engine->add(request)];
    while (engine->has_work()) {
      for (const StepResult& result : engine->step()) {
        for (const Logprobs& token : result.prompt_logprobs) scores.at(result.id).push_back(token.logprob);
      }
    }
    return scores;
  };
  const auto whole = run_scored(base_options());
  EXPECT_EQ(whole.begin()->second.size(), requests[0].prompt.size() - 1);
  EngineOptions options = base_options();
  options.kv_blocks = 12;
  options.max_batch_tokens = 7;
  EXPECT_EQ(run_scored(options), whole);
}

TEST_F(SharingTest, EmbedsAPromptTheSameHoweverItIsCut) {
  Request request = base_requests(1).front();
  request.embed = true;
  request.max_output = 0;
  const auto embedding_of = [&](const EngineOptions& options) {
    const auto engine = make_engine(options);
    engine->add(request);
    std::vector<float> embedding;
    while (engine->has_work()) {
      for (const StepResult& result : engine->step()) embedding = result.embedding;
    }
    return embedding;
  };
  const std::vector<float> whole = embedding_of(base_options());
  EXPECT_EQ(whole.size(), 40U);
  EngineOptions options = base_options();
  options.max_batch_tokens = 5;
  EXPECT_EQ(embedding_of(options), whole);
}

TEST_F(SharingTest, MinOutputForbidsStopTokensUntilThen) {
  Request request = base_requests(1).front();
  const std::vector<int32_t> free = alone({request}).front().at(0);
  request.stop_tokens = {free[0]};
  EXPECT_EQ(alone({request}).front().at(0).size(), 1U);
  request.min_output = 5;
  EXPECT_GT(alone({request}).front().at(0).size(), 5U);
}

TEST_F(SharingTest, AGuideDecidesWhatMayCome) {
  std::vector<std::string> tokens(97);
  for (size_t i = 3; i < tokens.size(); ++i) tokens[i] = std::string(1, static_cast<char>('!' + i));
  const auto trie = std::make_shared<const TokenTrie>(tokens);
  Request request = base_requests(2).back();
  request.guide = compile_guide({GuideSpec::Kind::kRegex, "[a-c]{5}", {}}, trie);
  request.stop_tokens = {2};
  const std::vector<int32_t> text = alone({request}).front().at(0);
  ASSERT_EQ(text.size(), 6U);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_THAT(tokens[static_cast<size_t>(text[i])], testing::MatchesRegex("[a-c]"));
  EXPECT_EQ(text[5], 2);
}

TEST_F(SharingTest, EveryStepTellsWhatItsGuidesCost) {
  std::vector<std::string> tokens(97);
  for (size_t i = 3; i < tokens.size(); ++i) tokens[i] = std::string(1, static_cast<char>('!' + i));
  const auto trie = std::make_shared<const TokenTrie>(tokens);
  for (const bool searches : {false, true}) {
    Request request = base_requests(1).front();
    request.guide = compile_guide({GuideSpec::Kind::kRegex, "[a-z]{20}", {}}, trie);
    request.stop_tokens = {2};
    request.choices = 3;
    if (searches) request.beams = BeamSearch{};
    const auto engine = make_engine(base_options());
    engine->add(request);
    // The first step has one sequence to choose for, or three choices of one prompt; the second has all.
    static_cast<void>(engine->step());
    const uint64_t first = engine->stats().guide_steps;
    EXPECT_EQ(first, searches ? 1U : 3U);
    const double seconds = engine->stats().guide_seconds;
    EXPECT_GT(seconds, 0.0);
    static_cast<void>(engine->step());
    EXPECT_EQ(engine->stats().guide_steps, first + 3U);
    EXPECT_GT(engine->stats().guide_seconds, seconds);
  }
}

/// A guide whose mask costs more work than one call may do, but is made by two, since what the first met is
/// known to the second; by then the pool of states is full, so that to accept a token all is to be met anew.
/// Each "a" opens kWays rules, each of which leads through kLong others; so does the text after a "c".
GuideSpec hostile_guide() {
  constexpr int kWays = 300;
  constexpr int kWaysAfterC = 450;
  constexpr int kLong = 300;
  std::string text = "root ::= loop | \"a\"{0,30} | \"c\" wide\n";
  std::string loop = "loop ::= \"z\"";
  std::string wide = "wide ::= \"z\"";
  std::string ends;
  for (int i = 0; i < kWaysAfterC; ++i) {
    const std::string end = "end" + std::to_string(i);
    ends += end + " ::= \"b\" | \"\"\n";
    wide += " | way0 " + end;
    if (i < kWays) loop += " | way0 " + end + " loop";
  }
  text += loop + "\n" + wide + "\n" + ends;
  for (int i = 0; i < kLong; ++i)
    text += "way" + std::to_string(i) + " ::= way" + std::to_string(i + 1) + "\n";
  text += "way" + std::to_string(kLong) + " ::= \"a\"\n";
  return {GuideSpec::Kind::kGrammar, text, {}};
}

TEST_F(SharingTest, ASearchWhoseGuideCannotTakeATokenOfItsOwnMaskEnds) {
  std::vector<std::string> tokens(97);
  tokens[40] = std::string(14, 'a');
  tokens[41] = "c";
  Request request = base_requests(1).front();
  request.guide = compile_guide(hostile_guide(), std::make_shared<const TokenTrie>(tokens));
  const auto engine = make_engine(base_options());
  // The first makes half of the mask.
  EXPECT_TRUE(run(*engine, {request}).front().empty());
  request.choices = 2;
  request.beams = BeamSearch{};
  const SequenceId id = engine->add(request);
  std::vector<StepResult> results = engine->step();
  ASSERT_TRUE(results.empty()) << "there was no mask";
  while (engine->has_work()) results = engine->step();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].id, id);
  EXPECT_EQ(results[0].finish, FinishReason::kDeadEnd);
}

class DynamicRopeTest : public SharingTest {
 protected:
  DynamicRopeTest()
      : SharingTest(
            R"(, "rope_scaling": {"type": "dynamic", "factor": 2.0, "original_max_position_embeddings": 32})") {
  }
};

TEST_F(DynamicRopeTest, PreemptionChangesNoTokenWhereKeysDependOnTheLength) {
  const std::vector<Request> requests = base_requests();
  EngineOptions options = base_options();
  options.kv_blocks = 12;
  options.prefix_cache = true;
  const auto engine = make_engine(options);
  EXPECT_EQ(run(*engine, requests), alone(requests));
  EXPECT_GT(engine->scheduler().stats().preemptions, 0);
  EXPECT_EQ(engine->scheduler().stats().prefix_hits, 0);
}

}  // namespace
}  // namespace caravan
