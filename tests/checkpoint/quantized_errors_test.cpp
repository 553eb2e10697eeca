// What is wrong with the tensors of a quantised checkpoint, and the sentence that says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <list>

#include "checkpoint/quantized_tensors.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/stored_tensors.h"

namespace caravan {
namespace {

using test::error_of;

const std::string kUp = "model.layers.0.mlp.up_proj";

/// The tensors of one fixture, to be spoilt: their bytes are copied where they change.
class Spoilt {
 public:
  explicit Spoilt(const std::string& fixture)
      : folder_(test::fixture("quantized/" + fixture)), checkpoint_(test::open_checkpoint(folder_)) {
    const std::string source = (folder_ / "config.json").string();
    config_ = *parse_quantization_config(parse_json(read_file(source, uint64_t{1} << 20U), source), source);
  }

  StoredWeight& tensor(const std::string& name) { return checkpoint_.tensors.at(kUp + "." + name); }
  void remove(const std::string& name) { checkpoint_.tensors.erase(kUp + "." + name); }
  void rename(const std::string& from, const std::string& to) {
    StoredWeight stored = tensor(from);
    stored.name = kUp + "." + to;
    remove(from);
    checkpoint_.tensors.emplace(stored.name, stored);
  }
  /// Overwrites bytes of a tensor.
  template <typename T>
  void set(const std::string& name, size_t index, T value) {
    StoredWeight& stored = tensor(name);
    std::vector<std::byte>& bytes = copies_.emplace_back(stored.bytes.begin(), stored.bytes.end());
    std::memcpy(bytes.data() + index * sizeof value, &value, sizeof value);
    stored.bytes = bytes;
  }
  template <typename Config>
  Config& config() {
    return std::get<Config>(config_);
  }

  /// "FILE: the tensor "up_proj.NAME"", as messages begin.
  [[nodiscard]] std::string at(const std::string& name) const {
    return (folder_ / "model.safetensors").string() + ": the tensor \"" + kUp + "." + name + "\"";
  }
  std::string refusal() {
    return error_of([this] { static_cast<void>(find_quantized(config_, checkpoint_.tensors)); });
  }
  /// What reading the matrix says, once it is found.
  std::string reading() {
    const FoundWeights found = find_quantized(config_, checkpoint_.tensors);
    const QuantizedWeight& weight = found.at(kUp + ".weight").weight;
    std::vector<int8_t> values(static_cast<size_t>(weight.out * weight.in));
    std::vector<float> scales(static_cast<size_t>(weight.out * groups_of(weight.quant, weight.in)));
    std::vector<int8_t> zeros(scales.size());
    return error_of([&] {
      weight.read(0, weight.out,
                  {values.data(), scales.data(), weight.quant.zero_points ? zeros.data() : nullptr});
    });
  }

 private:
  std::filesystem::path folder_;
  test::OpenCheckpoint checkpoint_;
  QuantizationConfig config_;
  std::list<std::vector<std::byte>> copies_;
};

TEST(WrongCompressedTensors, AreNamedWhereTheyAreMissing) {
  Spoilt bytes("int_token_asymmetric");
  bytes.remove("weight_zero_point");
  EXPECT_EQ(bytes.refusal(), bytes.at("weight") + " is quantised, but there is no tensor \"" + kUp +
                                 ".weight_zero_point\", expected it in the same checkpoint");
  Spoilt packed("pack4");
  packed.remove("weight_scale");
  EXPECT_EQ(packed.refusal(), packed.at("weight_packed") + " is quantised, but there is no tensor \"" + kUp +
                                  ".weight_scale\", expected it in the same checkpoint");
  Spoilt unshaped("pack4");
  unshaped.remove("weight_shape");
  EXPECT_EQ(unshaped.refusal(), unshaped.at("weight_packed") + " is quantised, but there is no tensor \"" +
                                    kUp + ".weight_shape\", expected it in the same checkpoint");
  Spoilt inputs("int_static");
  inputs.remove("input_scale");
  EXPECT_EQ(inputs.refusal(), inputs.at("weight") + " is quantised, but there is no tensor \"" + kUp +
                                  ".input_scale\", expected it in the same checkpoint");
}

TEST(WrongCompressedTensors, AreNamedWhereTheyAreNotQuantised) {
  Spoilt bytes("int_token");
  bytes.tensor("weight").type_name = "BF16";
  EXPECT_EQ(bytes.refusal(), bytes.at("weight") +
                                 " is stored as \"BF16\", expected I8 by \"quantization_config\" of "
                                 "config.json, or the module in its list \"ignore\"");
  Spoilt packed("pack4");
  packed.rename("weight_packed", "weight");
  EXPECT_EQ(packed.refusal(), packed.at("weight") + " is stored as \"I32\", expected int32s in \"" + kUp +
                                  ".weight_packed\" by \"quantization_config\" of config.json, or the "
                                  "module in its list \"ignore\"");
}

TEST(WrongCompressedTensors, HaveAWrongTypeOrShape) {
  Spoilt type("int_token");
  type.tensor("weight_scale").type_name = "F8_E4M3";
  EXPECT_EQ(type.refusal(),
            type.at("weight_scale") + " is stored as \"F8_E4M3\", expected F32 or F16 or BF16");
  Spoilt channel("int_token");
  channel.tensor("weight_scale").shape = {14, 2};
  EXPECT_EQ(channel.refusal(), channel.at("weight_scale") + " has shape [14, 2], expected [28, 1] or [28]");
  Spoilt group("pack4");
  group.tensor("weight_scale").shape = {2, 32};
  EXPECT_EQ(group.refusal(), group.at("weight_scale") + " has shape [2, 32], expected [32, 2]");
  Spoilt words("pack4");
  words.tensor("weight_packed").shape = {4, 32};
  EXPECT_EQ(words.refusal(), words.at("weight_packed") + " has shape [4, 32], expected [32, 4]");
  Spoilt zeros("pack4_asymmetric");
  zeros.tensor("weight_zero_point").shape = {2, 4};
  EXPECT_EQ(zeros.refusal(), zeros.at("weight_zero_point") + " has shape [2, 4], expected [4, 2]");
  Spoilt input("int_static");
  input.tensor("input_zero_point").type_name = "U8";
  EXPECT_EQ(input.refusal(), input.at("input_zero_point") + " is stored as \"U8\", expected I8");
}

TEST(WrongCompressedTensors, HaveASizeOrAGroupThatCannotBe) {
  Spoilt zero("pack4");
  zero.set<int64_t>("weight_shape", 1, 0);
  EXPECT_EQ(zero.refusal(), zero.at("weight_shape") + " holds the size 0, expected sizes from 1 to 1048576");
  Spoilt huge("pack4");
  huge.set<int64_t>("weight_shape", 0, int64_t{1} << 62U);
  EXPECT_EQ(huge.refusal(), huge.at("weight_shape") +
                                " holds the size 4611686018427387904, expected sizes from 1 to 1048576");
  Spoilt group("pack4");
  for (QuantGroup& each : group.config<CompressedTensorsConfig>().groups) each.scheme.group = 24;
  EXPECT_EQ(group.refusal().substr(group.refusal().find(" is a matrix")),
            " is a matrix of 32 inputs, which groups of 24 do not divide, expected a group size that does");
}

TEST(WrongCompressedTensors, HoldNoScale) {
  constexpr uint16_t kNan = 0x7FC0;
  constexpr uint16_t kInfinity = 0x7F80;
  constexpr uint16_t kMinus1 = 0xBF80;
  const auto message = [](const char* what) {
    return std::string(" holds the scale ") + what +
           " as element 5, expected a finite number that is not negative";
  };
  Spoilt nan("int_token");
  nan.set("weight_scale", 5, kNan);
  EXPECT_EQ(nan.reading(), nan.at("weight_scale") + message("nan"));
  Spoilt infinite("pack4");
  infinite.set("weight_scale", 5, kInfinity);
  EXPECT_EQ(infinite.reading(), infinite.at("weight_scale") + message("inf"));
  Spoilt negative("int_token");
  negative.set("weight_scale", 5, kMinus1);
  EXPECT_EQ(negative.reading(), negative.at("weight_scale") + message("-1"));
  Spoilt input("int_static");
  input.set("input_scale", 0, uint16_t{0});
  EXPECT_EQ(input.refusal(), input.at("input_scale") + " is 0, expected a positive scale of activations");
}

TEST(WrongCompressedTensors, HoldBytesThatAreNo4Bits) {
  Spoilt values("int_token");
  for (QuantGroup& each : values.config<CompressedTensorsConfig>().groups) each.scheme.bits = 4;
  EXPECT_EQ(values.reading().substr(values.at("weight").size(), 17), " holds the number");
}

TEST(WrongGptq, HasAnOrderOfInputsOfItsOwn) {
  Spoilt order("gptq_asymmetric");
  order.set<int32_t>("g_idx", 3, 1);
  EXPECT_EQ(order.refusal(), order.at("g_idx") +
                                 " puts input 3 into group 1, expected groups of inputs that follow each "
                                 "other: quantise it without desc_act or actorder");
  Spoilt missing("gptq_asymmetric");
  missing.remove("g_idx");
  EXPECT_EQ(missing.refusal(), missing.at("qweight") + " is quantised, but there is no tensor \"" + kUp +
                                   ".g_idx\", expected it in the same checkpoint");
}

TEST(WrongGptq, HasZeroPointsThoughItIsSymmetric) {
  Spoilt zeros("gptq");
  zeros.set<uint32_t>("qzeros", 0, 0x77777787);
  EXPECT_EQ(zeros.reading(), zeros.at("qzeros") +
                                 " holds another zero point than the middle for output 1, expected it "
                                 "everywhere since config.json says that \"sym\" is true and the format is "
                                 "\"gptq\"");
  // A file of "gptq_v2" that says nothing of it.
  Spoilt format("gptq");
  format.config<GptqConfig>().zeros_less_1 = false;
  EXPECT_EQ(format.reading().substr(0, format.at("qzeros").size()), format.at("qzeros"));
}

TEST(WrongGptq, HasAWrongShape) {
  Spoilt scales("gptq");
  scales.tensor("scales").shape = {32, 2};
  EXPECT_EQ(scales.refusal(), scales.at("scales") + " has shape [32, 2], expected [2, 32]");
  Spoilt zeros("gptq");
  zeros.tensor("qzeros").shape = {4, 2};
  EXPECT_EQ(zeros.refusal(), zeros.at("qzeros") + " has shape [4, 2], expected [2, 4]");
  Spoilt huge("gptq");
  huge.tensor("qweight").shape = {int64_t{1} << 61U, 0};
  EXPECT_EQ(huge.refusal(),
            huge.at("qweight") + " has shape [2305843009213693952, 0], expected sizes from 1 to 1048576");
  Spoilt empty("gptq");
  empty.tensor("qweight").shape = {4, 0};
  EXPECT_EQ(empty.refusal(),
            empty.at("qweight") + " is a matrix of 0 x 32 numbers, expected sizes from 1 to 1048576");
}

TEST(WrongAwq, LacksItsZeroPoints) {
  Spoilt zeros("awq");
  zeros.remove("qzeros");
  EXPECT_EQ(zeros.refusal(), zeros.at("qweight") + " is quantised, but there is no tensor \"" + kUp +
                                 ".qzeros\", expected it in the same checkpoint");
  zeros.config<AwqConfig>().zero_point = false;
  EXPECT_EQ(zeros.reading(), "no Error");
}

TEST(WrongBitmasks, AreNamedWhereAPartIsMissingOrOfAWrongShape) {
  Spoilt missing("int_bitmask");
  missing.remove("row_offsets");
  EXPECT_EQ(missing.refusal(), missing.at("compressed") + " is quantised, but there is no tensor \"" + kUp +
                                   ".row_offsets\", expected it in the same checkpoint");
  Spoilt shape("int_bitmask");
  shape.tensor("bitmask").shape = {100, 8};
  EXPECT_EQ(shape.refusal(), shape.at("bitmask") + " has shape [100, 8], expected [100, 9]");
  Spoilt type("int_bitmask");
  type.tensor("compressed").type_name = "BF16";
  EXPECT_EQ(type.refusal(), type.at("compressed") + " is stored as \"BF16\", expected I8");
  Spoilt size("int_bitmask");
  size.set<int64_t>("shape", 1, 0);
  EXPECT_EQ(size.refusal(), size.at("shape") + " holds the size 0, expected sizes from 1 to 1048576");
}

TEST(WrongBitmasks, HaveOffsetsThatDoNotRiseAsTheyShould) {
  Spoilt first("int_bitmask");
  first.set<int64_t>("row_offsets", 0, 1);
  EXPECT_EQ(first.refusal(), first.at("row_offsets") + " begins with the offset 1, expected 0");
  Spoilt falling("int_bitmask");
  falling.set<int64_t>("row_offsets", 2, 35);
  EXPECT_EQ(falling.refusal(),
            falling.at("row_offsets") + " has output 1 end at 35 of 3600 numbers, expected from 36 to 108");
  Spoilt beyond("int_bitmask");
  beyond.set<int64_t>("row_offsets", 99, 3601);
  EXPECT_EQ(beyond.refusal(), beyond.at("row_offsets") +
                                  " has output 98 end at 3601 of 3600 numbers, expected from 3528 to 3600");
}

TEST(WrongBitmasks, DoNotHaveABitForEachNumber) {
  Spoilt more("int_bitmask");
  more.set<uint8_t>("bitmask", 9, 0);
  EXPECT_THAT(more.reading(), testing::StartsWith(more.at("bitmask") + " has "));
  EXPECT_THAT(more.reading(),
              testing::EndsWith(" bits in output 1, expected one for each of its 36 numbers"));
}

}  // namespace
}  // namespace caravan
