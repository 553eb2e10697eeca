// The engine on small random models: what is in the batch, how it is cut and who computes it must not change
// a token.
#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "support/paths.h"

namespace caravan {
namespace {

using testing::HasSubstr;

/// A small GQA model with a sliding window and dynamic rope: what a careless batch would get wrong.
constexpr const char* kConfig = R"({
  "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 40, "intermediate_size": 56,
  "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 10, "vocab_size": 97,
  "max_position_embeddings": 96, "rms_norm_eps": 1e-5, "sliding_window": 24, "tie_word_embeddings": false,
  "hidden_act": "silu", "rope_scaling": {"type": "dynamic", "factor": 2.0}, "rope_theta": 10000.0,
  "eos_token_id": 2, "bos_token_id": 1})";

struct Outcome {
  std::vector<int32_t> tokens;
  std::vector<float> logits;
  FinishReason finish = FinishReason::kLength;
  bool operator==(const Outcome& other) const = default;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { static_cast<void>(folder_.write("config.json", kConfig)); }

  [[nodiscard]] Engine make_engine(const EngineOptions& options, DType dtype = DType::kF32) const {
    return {load_model(
                folder_.path(),
                {.dtype = dtype, .kv_cache_dtype = kv_dtype_, .format = LoadFormat::kDummy, .compile = true}),
            options};
  }

  static EngineOptions base_options() {
    EngineOptions options;
    options.isa = available_levels(cpu_features()).back();
    options.max_sequence_length = 96;
    return options;
  }

  /// Prompts of unequal lengths, one of a single token and one longer than the window.
  static std::vector<Request> base_requests() {
    std::vector<Request> requests;
    for (const int32_t length : {1, 7, 40, 16}) {
      Request request;
      for (int32_t i = 0; i < length; ++i) request.prompt.push_back((i * 31 + length * 7) % 97);
      request.sampling.temperature = 0.0;
      request.max_output = 20;
      request.keep_logits = true;
      requests.push_back(request);
    }
    return requests;
  }

  static std::vector<Outcome> run(Engine& engine, const std::vector<Request>& requests) {
    std::map<SequenceId, Outcome> outcomes;
    for (const Request& request : requests) outcomes[engine.add(request)] = {};
    while (engine.has_work()) {
      for (const StepResult& result : engine.step()) {
        Outcome& outcome = outcomes.at(result.id);
        outcome.logits.insert(outcome.logits.end(), result.logits.begin(), result.logits.end());
        if (result.token.has_value()) outcome.tokens.push_back(*result.token);
        if (result.finish.has_value()) outcome.finish = *result.finish;
      }
    }
    std::vector<Outcome> ordered;
    for (auto& [id, outcome] : outcomes) ordered.push_back(std::move(outcome));
    return ordered;
  }

  [[nodiscard]] std::vector<Outcome> run_all(const EngineOptions& options, DType dtype = DType::kF32) const {
    Engine engine = make_engine(options, dtype);
    return run(engine, base_requests());
  }

  test::TemporaryFolder folder_;
  std::optional<DType> kv_dtype_;
};

TEST_F(EngineTest, GivesEachOfABatchExactlyWhatItGivesAlone) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const std::vector<Outcome> alone = run_all(base_options(), dtype);
    for (const int64_t batch : {2, 3, 4}) {
      EngineOptions options = base_options();
      options.max_sequences = batch;
      EXPECT_EQ(run_all(options, dtype), alone) << "batch of " << batch << " in " << name_of(dtype);
    }
  }
}

TEST_F(EngineTest, ReportsTheLogitsOfEveryPositionButTheLast) {
  const std::vector<Outcome> outcomes = run_all(base_options());
  const std::vector<Request> requests = base_requests();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].tokens.size(), 20U);
    EXPECT_EQ(outcomes[i].logits.size(), (requests[i].prompt.size() + 19) * 97);
  }
}

TEST_F(EngineTest, DoesNotDependOnHowPrefillIsCut) {
  const std::vector<Outcome> whole = run_all(base_options());
  for (const int64_t most : {1, 3, 16, 17}) {
    EngineOptions options = base_options();
    options.max_batch_tokens = most;
    options.max_sequences = 3;
    EXPECT_EQ(run_all(options), whole) << "at most " << most << " tokens a step";
  }
}

TEST_F(EngineTest, DoesNotDependOnPadding) {
  const std::vector<Outcome> plain = run_all(base_options());
  std::vector<Request> padded = base_requests();
  for (Request& request : padded) request.pad_prompt_to = 48;
  EngineOptions options = base_options();
  options.max_sequences = 2;
  Engine engine = make_engine(options);
  EXPECT_EQ(run(engine, padded), plain);
}

TEST_F(EngineTest, DoesNotDependOnThreads) {
  const std::vector<Outcome> one = run_all(base_options());
  for (const int threads : {2, 3, 5}) {
    EngineOptions options = base_options();
    options.threads = threads;
    EXPECT_EQ(run_all(options), one) << threads << " threads";
  }
}

TEST_F(EngineTest, DoesNotDependOnTheKindOfCache) {
  const std::vector<Outcome> contiguous = run_all(base_options());
  EngineOptions options = base_options();
  options.kv_cache = KvCacheKind::kPaged;
  options.max_sequences = 4;
  EXPECT_EQ(run_all(options), contiguous);
}

TEST_F(EngineTest, DependsOnNoneOfThatWithAnInt8CacheEither) {
  kv_dtype_ = DType::kI8;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const std::vector<Outcome> alone = run_all(base_options(), dtype);
    EngineOptions options = base_options();
    for (const int64_t batch : {2, 4}) {
      options.max_sequences = batch;
      EXPECT_EQ(run_all(options, dtype), alone) << "batch of " << batch << " in " << name_of(dtype);
    }
    options.max_batch_tokens = 17;
    EXPECT_EQ(run_all(options, dtype), alone) << "cut, in " << name_of(dtype);
    options.threads = 3;
    EXPECT_EQ(run_all(options, dtype), alone) << "3 threads, in " << name_of(dtype);
    options.kv_cache = KvCacheKind::kPaged;
    EXPECT_EQ(run_all(options, dtype), alone) << "paged, in " << name_of(dtype);
  }
}

TEST_F(EngineTest, HoldsAnInt8CacheInItsBytes) {
  const uint64_t in_fp32 = make_engine(base_options()).kv_bytes();
  kv_dtype_ = DType::kI8;
  const Engine engine = make_engine(base_options());
  // Of 10 elements: 14 bytes for 40.
  EXPECT_EQ(engine.kv_bytes() * 40, in_fp32 * 14);
  EXPECT_EQ(engine.dtype(), DType::kF32);
}

TEST_F(EngineTest, GivesTheSameTokensAtEveryIsaLevel) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<std::vector<int32_t>> expected;
    for (const IsaLevel level : available_levels(cpu_features())) {
      EngineOptions options = base_options();
      options.isa = level;
      std::vector<std::vector<int32_t>> tokens;
      for (const Outcome& outcome : run_all(options, dtype)) tokens.push_back(outcome.tokens);
      if (expected.empty()) expected = tokens;
      EXPECT_EQ(tokens, expected) << name_of(level) << " in " << name_of(dtype);
    }
  }
}

TEST_F(EngineTest, DrawsTheSameForTheSameSeedWhateverElseRuns) {
  std::vector<Request> requests = base_requests();
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].sampling = {.temperature = 1.0, .top_p = 0.9, .seed = 40 + i};
  }
  Engine alone = make_engine(base_options());
  EngineOptions options = base_options();
  options.max_sequences = 4;
  Engine together = make_engine(options);
  EXPECT_EQ(run(together, requests), run(alone, requests));
}

TEST_F(EngineTest, StopsWithTheStopTokenAndAtTheLength) {
  Request request = base_requests()[1];
  Engine engine = make_engine(base_options());
  const Outcome full = run(engine, {request})[0];
  EXPECT_EQ(full.finish, FinishReason::kLength);
  request.stop_tokens = {full.tokens[4]};
  const Outcome stopped = run(engine, {request})[0];
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_LE(stopped.tokens.size(), 5U);
  EXPECT_EQ(stopped.tokens.back(), full.tokens[4]);
}

TEST_F(EngineTest, StopsWhenTheContextIsFull) {
  Request request = base_requests()[2];
  request.max_output = 1000;
  Engine engine = make_engine(base_options());
  const Outcome outcome = run(engine, {request})[0];
  EXPECT_EQ(outcome.tokens.size(), 96U - 40U);
  EXPECT_EQ(outcome.finish, FinishReason::kLength);
}

TEST_F(EngineTest, FreesTheBlocksOfWhatIsCancelled) {
  Engine engine = make_engine(base_options());
  std::vector<Request> requests = base_requests();
  const SequenceId first = engine.add(requests[0]);
  const SequenceId second = engine.add(requests[1]);
  static_cast<void>(engine.step());
  engine.cancel(first);
  engine.cancel(second);
  EXPECT_FALSE(engine.has_work());
  EXPECT_EQ(run(engine, {requests[3]}).front(), run_all(base_options()).at(3));
}

TEST_F(EngineTest, CountsStepsAndTokens) {
  EngineOptions options = base_options();
  options.max_sequences = 4;
  Engine engine = make_engine(options);
  static_cast<void>(run(engine, base_requests()));
  EXPECT_EQ(engine.stats().prefill_tokens, 1 + 7 + 40 + 16);
  EXPECT_EQ(engine.stats().prefill_steps, 1);
  EXPECT_EQ(engine.stats().decode_steps, 19);
  EXPECT_EQ(engine.stats().decode_tokens, 19 * 4);
}

TEST_F(EngineTest, RefusesWhatItCannotRunInOneSentence) {
  Engine engine = make_engine(base_options());
  const auto sentence = [&engine](std::vector<int32_t> prompt) -> std::string {
    Request request;
    request.prompt = std::move(prompt);
    request.max_output = 1;
    try {
      engine.add(request);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(sentence({}), HasSubstr("the prompt is empty"));
  EXPECT_THAT(sentence({5, 97}), HasSubstr("token id 97, expected 0 to 96"));
  EXPECT_THAT(sentence({5, -1}), HasSubstr("token id -1"));
  EXPECT_THAT(sentence(std::vector<int32_t>(96, 3)), HasSubstr("has 96 tokens, expected at most 95"));
  EXPECT_FALSE(engine.has_work());
}

TEST_F(EngineTest, SaysThatHeadsTooLargeForTheFastKernelsRunOnTheReference) {
  std::string config = kConfig;
  config.replace(config.find("\"head_dim\": 10"), 14, "\"head_dim\": 264");
  const auto warning_with = [&](const std::string& text, IsaLevel level) {
    static_cast<void>(folder_.write("config.json", text));
    EngineOptions options = base_options();
    options.isa = level;
    testing::internal::CaptureStderr();
    Engine engine = make_engine(options);
    static_cast<void>(run(engine, {base_requests()[1]}));
    return testing::internal::GetCapturedStderr();
  };
  const IsaLevel best = base_options().isa;
  EXPECT_EQ(warning_with(kConfig, best), "");
  EXPECT_EQ(warning_with(config, IsaLevel::kPortable), "");
  if (best == IsaLevel::kPortable) return;
  EXPECT_THAT(warning_with(config, best), HasSubstr("heads of 264 elements runs on the reference kernel"));
}

TEST_F(EngineTest, RefusesToStartOverItsMemoryLimit) {
  EngineOptions options = base_options();
  options.max_memory_gb = 0.0001;
  try {
    const Engine engine = make_engine(options);
    ADD_FAILURE() << "started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--max-memory-gb 0.0001: the weights need"));
  }
}

}  // namespace
}  // namespace caravan
