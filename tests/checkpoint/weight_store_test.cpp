#include "checkpoint/weight_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/machine.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_builder.h"
#include "support/errors.h"
#include "support/paths.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::safetensors_bytes;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::Pair;

constexpr DType kFloating[] = {DType::kF32, DType::kF16, DType::kBF16};

std::vector<float> floats_of(const ConstTensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.shape.elements()));
  convert_elements(view.data, view.dtype, values.data(), DType::kF32, values.size());
  return values;
}

/// `values` as the bytes of `dtype`.
std::string bytes_of(const std::vector<float>& values, DType dtype) {
  std::string bytes(values.size() * size_of(dtype), '\0');
  convert_elements(values.data(), DType::kF32, bytes.data(), dtype, values.size());
  return bytes;
}

/// A model.safetensors that holds `values` as the tensor "w" of `dtype`; `shift` spaces lengthen its header,
/// and so move the data off its alignment.
fs::path write_model(const TemporaryFolder& folder, const std::vector<float>& values, DType dtype,
                     size_t shift = 0) {
  const Shape shape = {static_cast<int64_t>(values.size())};
  const std::string header =
      safetensors_header({{"w", dtype, shape}}, {}).substr(8) + std::string(shift, ' ');
  return folder.write("model.safetensors", safetensors_bytes(header, 0) + bytes_of(values, dtype));
}

bool is_aligned(const ConstTensorView& view) {
  return reinterpret_cast<uintptr_t>(view.data) % size_of(view.dtype) == 0;
}

TEST(WeightStore, SaysWhetherATensorIsUsedWhereItIsMapped) {
  const TemporaryFolder folder;
  write_model(folder, {1.0F, 2.0F}, DType::kF32);
  const WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  EXPECT_TRUE(store.is_mapped_as("w", DType::kF32));
  EXPECT_FALSE(store.is_mapped_as("w", DType::kBF16));
  EXPECT_FALSE(store.is_mapped_as("other", DType::kF32));
  const WeightStore dummy = WeightStore::open(folder.path(), LoadFormat::kDummy);
  EXPECT_FALSE(dummy.is_mapped_as("w", DType::kF32));
}

TEST(WeightStore, ConvertsBetweenAllDtypesAtEveryAlignmentAndNeverHandsOutAMisalignedView) {
  const std::vector<float> values = {0.0F, -1.0F, 0.5F, 96.0F, -0.09375F};  // exact in all three
  for (const DType stored : kFloating) {
    for (const DType wanted : kFloating) {
      for (size_t shift = 0; shift < 4; ++shift) {
        const TemporaryFolder folder;
        write_model(folder, values, stored, shift);
        WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
        const ConstTensorView view = store.take("w", {5}, wanted);
        EXPECT_EQ(view.dtype, wanted);
        EXPECT_TRUE(is_aligned(view));
        EXPECT_EQ(floats_of(view), values)
            << name_of(stored) << " to " << name_of(wanted) << ", shift " << shift;
      }
    }
  }
}

TEST(WeightStore, ConvertsATensorOfManyChunksElementByElement) {
  // Three pieces of work and a rest, each element of its own value.
  std::vector<float> values((size_t{3} << 20U) + 12345);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0x1p-10F;
  const TemporaryFolder folder;
  write_model(folder, values, DType::kF32);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const ConstTensorView view = store.take("w", {static_cast<int64_t>(values.size())}, DType::kBF16);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(view.as<BFloat16>()[i].bits, to_bfloat16(values[i]).bits) << i;
}

TEST(WeightStore, HandsOutTheFilesOwnBytesWhereNothingIsToConvert) {
  const TemporaryFolder folder;
  write_model(folder, {1.0F, 2.0F}, DType::kBF16);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const ConstTensorView first = store.take("w", {2}, DType::kBF16);
  EXPECT_EQ(store.take("w", {2}, DType::kBF16).data, first.data);
}

TEST(WeightStore, ConvertsOnceHoweverOftenItIsAsked) {
  const TemporaryFolder folder;
  write_model(folder, {1.0F, 2.0F}, DType::kBF16);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const ConstTensorView first = store.take("w", {2}, DType::kF32);
  EXPECT_EQ(store.take("w", {2}, DType::kF32).data, first.data);
}

TEST(WeightStore, RefusesAFiniteNumberThatFp16CannotHold) {
  for (const DType stored : {DType::kF32, DType::kBF16}) {
    const TemporaryFolder folder;
    const fs::path path = write_model(folder, {1.0F, 70000.0F}, stored);
    WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
    EXPECT_EQ(error_of([&] { store.take("w", {2}, DType::kF16); }),
              path.string() +
                  ": the tensor \"w\" holds a number too large for fp16, expected --dtype bf16 or fp32 "
                  "for this checkpoint");
  }
}

TEST(WeightStore, KeepsInfinitiesThatTheFileHolds) {
  const TemporaryFolder folder;
  write_model(folder, {INFINITY, -INFINITY}, DType::kBF16);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  EXPECT_THAT(floats_of(store.take("w", {2}, DType::kF16)), ElementsAre(INFINITY, -INFINITY));
}

TEST(WeightStore, NamesFileAndTensorInEveryRefusal) {
  const TemporaryFolder folder;
  const std::string path =
      folder
          .write("model.safetensors",
                 safetensors_bytes(R"({"i":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},)"
                                   R"("d":{"dtype":"F64","shape":[1],"data_offsets":[2,10]}})",
                                   10))
          .string();
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  EXPECT_EQ(error_of([&] { store.take("x", {2}, DType::kF32); }),
            folder.path().string() + ": the weight files hold no tensor \"x\"");
  EXPECT_EQ(error_of([&] {
              store.take("i", {1, 2}, DType::kF32);
            }),
            path + ": the tensor \"i\" has shape [2], expected [1, 2] by config.json");
  EXPECT_EQ(error_of([&] { store.take("i", {2}, DType::kF32); }),
            path + ": the tensor \"i\" is stored as \"I8\", expected F32, F16 or BF16");
  EXPECT_EQ(error_of([&] { store.take("d", {1}, DType::kF32); }),
            path + ": the tensor \"d\" is stored as \"F64\", expected F32, F16 or BF16");
}

TEST(WeightStore, RefusesATensorThatTwoFilesHold) {
  const TemporaryFolder folder;
  const std::string bytes = safetensors_bytes(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);
  const fs::path first = folder.write("a.safetensors", bytes);
  const fs::path second = folder.write("b.safetensors", bytes);
  EXPECT_EQ(error_of([&] { WeightStore::open(folder.path(), LoadFormat::kAuto); }),
            second.string() + ": the tensor \"x\" is also in \"" + first.string() +
                "\", expected each tensor in one file");
}

TEST(WeightStore, TakesTensorsFromAllShardsAndListsTheRest) {
  const TemporaryFolder folder;
  (void)folder.write("model-1.safetensors",
                     safetensors_bytes(safetensors_header({{"x", DType::kF32, {1}}}, {}).substr(8), 0) +
                         bytes_of({1.5F}, DType::kF32));
  (void)folder.write(
      "model-2.safetensors",
      safetensors_bytes(
          safetensors_header({{"y", DType::kBF16, {2}}, {"z", DType::kBF16, {1}}}, {}).substr(8), 0) +
          bytes_of({2.5F, 3.5F, 4.5F}, DType::kBF16));
  (void)folder.write("model.safetensors.index.json",
                     R"({"weight_map": {"x": "model-1.safetensors", "y": "model-2.safetensors", )"
                     R"("z": "model-2.safetensors"}})");
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  EXPECT_TRUE(store.has("x") && store.has("y"));
  EXPECT_FALSE(store.has("w"));
  EXPECT_THAT(floats_of(store.take("x", {1}, DType::kF32)), ElementsAre(1.5F));
  EXPECT_THAT(floats_of(store.take("y", {2}, DType::kF32)), ElementsAre(2.5F, 3.5F));
  EXPECT_THAT(store.unused(), ElementsAre("z"));
  EXPECT_EQ(store.stored_dtype(DType::kF16), DType::kBF16);
  EXPECT_THAT(store.bytes_by_dtype(), ElementsAre(Pair("BF16", 6), Pair("F32", 4)));
}

// GCC says it by a macro, clang by a feature.
#if defined(__SANITIZE_THREAD__)
constexpr bool kHasShadowMemory = true;
#elif defined(__has_feature)
constexpr bool kHasShadowMemory = __has_feature(thread_sanitizer);
#else
constexpr bool kHasShadowMemory = false;
#endif

TEST(WeightStore, HoldsNoMoreThanTheTargetWhileItConverts) {
  if (kHasShadowMemory) GTEST_SKIP() << "the thread sanitizer's own memory counts too";
  // 128 MB of fp32 become 64 MB of bf16: with the source's pages kept, the peak would be three times as high.
  const TemporaryFolder folder;
  constexpr size_t kCount = size_t{32} << 20U;
  const fs::path path = write_model(folder, {}, DType::kF32);
  const std::string header = safetensors_header({{"w", DType::kF32, {static_cast<int64_t>(kCount)}}}, {});
  std::ofstream(path, std::ios::binary) << header;
  fs::resize_file(path, header.size() + kCount * sizeof(float));
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  // What the process held before is part of the high-water mark: count from there.
  std::ofstream("/proc/self/clear_refs") << "5";
  const uint64_t before = peak_memory_bytes();
  const ConstTensorView view = store.take("w", {static_cast<int64_t>(kCount)}, DType::kBF16);
  const uint64_t grown = peak_memory_bytes() - before;
  // A few chunks of source and target are in flight on each thread.
  EXPECT_LE(grown, view.bytes() * 11 / 10 + (uint64_t{8} << 20U) * static_cast<uint64_t>(usable_cpus()));
}

class DummyWeights : public testing::Test {
 protected:
  WeightStore store_ = WeightStore::open("no/such/folder", LoadFormat::kDummy);
};

TEST_F(DummyWeights, AnswerToEveryNameWithoutAnyFile) {
  EXPECT_TRUE(store_.has("anything"));
  EXPECT_TRUE(store_.unused().empty());
  EXPECT_TRUE(store_.bytes_by_dtype().empty());
  EXPECT_EQ(store_.stored_dtype(DType::kBF16), DType::kBF16);
}

TEST_F(DummyWeights, AreUniformAroundZeroWithTheUsualDeviation) {
  const std::vector<float> values =
      floats_of(store_.take("model.layers.0.mlp.up_proj.weight", {1000, 2003}, DType::kF32));
  double sum = 0;
  double squares = 0;
  float largest = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
    largest = std::max(largest, std::abs(value));
  }
  const auto count = static_cast<double>(values.size());
  EXPECT_NEAR(sum / count, 0.0, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / count), 0.02, 1e-4);
  EXPECT_LE(largest, 0.02F * 1.7320508F);
  EXPECT_GE(largest, 0.0346F);
}

TEST_F(DummyWeights, AreTheSameForTheSameNameInEveryDtypeUpToRounding) {
  WeightStore again = WeightStore::open("elsewhere", LoadFormat::kDummy);
  const std::vector<float> exact = floats_of(store_.take("w", {1001}, DType::kF32));
  EXPECT_EQ(floats_of(again.take("w", {1001}, DType::kF32)), exact);
  EXPECT_NE(floats_of(again.take("v", {1001}, DType::kF32)), exact);
  for (const DType dtype : kFloating) {
    const std::vector<float> rounded = floats_of(store_.take("w", {1001}, dtype));
    const std::string expected = bytes_of(exact, dtype);
    EXPECT_EQ(bytes_of(rounded, dtype), expected) << name_of(dtype);
  }
}

TEST_F(DummyWeights, DoNotDependOnTheLengthOrTheThreads) {
  const std::vector<float> few = floats_of(store_.take("w", {3}, DType::kF32));
  // Pinned: a change of the generator would change what every model with dummy weights says.
  EXPECT_THAT(few, ElementsAre(0x1.a8b2e8p-6F, -0x1.a1e8c2p-9F, 0x1.027dc4p-5F));
  WeightStore again = WeightStore::open("elsewhere", LoadFormat::kDummy);
  std::vector<float> many = floats_of(again.take("w", {5'000'001}, DType::kF32));
  many.resize(3);
  EXPECT_EQ(many, few);
}

TEST_F(DummyWeights, HaveNormsOfOneAndBiasesOfZero) {
  for (const DType dtype : kFloating) {
    EXPECT_THAT(floats_of(store_.take("model.norm.weight", {2}, dtype)), ElementsAre(1.0F, 1.0F));
    EXPECT_THAT(floats_of(store_.take("model.layers.3.input_layernorm.weight", {2}, dtype)),
                ElementsAre(1.0F, 1.0F));
    EXPECT_THAT(floats_of(store_.take("model.layers.3.mlp.up_proj.bias", {2}, dtype)),
                ElementsAre(0.0F, 0.0F));
  }
}

TEST_F(DummyWeights, ThatTheMachineCannotHoldAreRefusedBeforeTheyAreDrawn) {
  const std::string message = error_of([&] {
    store_.take("w", {int64_t{1} << 26U, int64_t{1} << 22U}, DType::kBF16);
  });
  EXPECT_THAT(message,
              testing::MatchesRegex(
                  "no/such/folder: the tensor \"w\" needs 562949953421312 bytes in bf16, but the machine has "
                  "only [0-9]+ bytes of memory left: expected a smaller model, a smaller --dtype or a larger "
                  "machine"));
}

TEST_F(DummyWeights, KeepTheShapeThatTheyWereFirstTakenIn) {
  store_.take("w", {2, 3}, DType::kF32);
  EXPECT_EQ(error_of([&] {
              store_.take("w", {3, 2}, DType::kF32);
            }),
            "no/such/folder: the tensor \"w\" has shape [2, 3], expected [3, 2]");
}

TEST(StoryCheckpoint, OpensWithItsMetadataAliasOfTiedEmbeddings) {
  const auto folder = test::shared("models/story");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/models/story";
  WeightStore store = WeightStore::open(*folder, LoadFormat::kAuto);
  EXPECT_FALSE(store.has("model.embed_tokens.weight"));
  EXPECT_EQ(store.stored_dtype(DType::kBF16), DType::kF32);
  EXPECT_THAT(store.bytes_by_dtype(), ElementsAre(Pair("F32", 2'624'000)));
  EXPECT_EQ(store.unused().size(), 20U);
  store.take("lm_head.weight", {2048, 128}, DType::kF32);
  EXPECT_EQ(store.unused().size(), 19U);
}

/// The bytes of `views`, one after the other.
std::string joined(const std::vector<ConstTensorView>& views) {
  std::string bytes;
  for (const ConstTensorView& view : views) bytes.append(static_cast<const char*>(view.data), view.bytes());
  return bytes;
}

TEST(WeightStore, LaysTheWeightsOfExpertsOutOneAfterTheOther) {
  const TemporaryFolder folder;
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kDummy);
  const std::vector<WeightPart> parts = {{"0.gate", 40}, {"0.up", 40}, {"1.gate", 40}, {"1.up", 40}};
  const std::vector<WeightPart> first(parts.begin(), parts.begin() + 2);
  const std::vector<WeightPart> second(parts.begin() + 2, parts.end());
  const QuantizedFormat format = {{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
  for (const bool interleaved : {false, true}) {
    const ConstTensorView all = store.take_panels(parts, 7, DType::kBF16, interleaved, 2);
    // Two panels for each expert, though the rows of both together would fill three.
    EXPECT_EQ(all.shape, (Shape{4, 4, 64, 2}));
    EXPECT_EQ(joined({all}), joined({store.take_panels(first, 7, DType::kBF16, interleaved),
                                     store.take_panels(second, 7, DType::kBF16, interleaved)}));
    EXPECT_EQ(joined({store.take_quantized(parts, 7, format, interleaved, 2)}),
              joined({store.take_quantized(first, 7, format, interleaved),
                      store.take_quantized(second, 7, format, interleaved)}));
  }
}

}  // namespace
}  // namespace caravan
