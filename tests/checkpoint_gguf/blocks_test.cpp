// Blocks become the numbers that gguf-py makes of them (tests/reference/make_gguf_fixtures.py), to the bit.
#include "checkpoint/gguf/blocks.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "support/paths.h"

namespace caravan {
namespace {

class Fixture {
 public:
  Fixture()
      : file_(test::fixture("gguf/blocks.safetensors")),
        header_(parse_safetensors_header(file_.bytes(), file_.bytes().size(), file_.path().string())) {}

  [[nodiscard]] std::span<const std::byte> bytes_of(const std::string& name) const {
    for (const StoredTensor& tensor : header_.tensors) {
      if (tensor.name == name)
        return file_.bytes().subspan(header_.data_start + tensor.begin, tensor.end - tensor.begin);
    }
    ADD_FAILURE() << "no tensor " << name;
    return {};
  }

 private:
  MappedFile file_;
  SafetensorsHeader header_;
};

class BlocksTest : public testing::TestWithParam<GgmlType> {};

TEST_P(BlocksTest, ExpandToWhatGgufPyMakesOfThem) {
  const Fixture fixture;
  const GgmlTypeInfo& info = info_of(GetParam());
  const std::string name(info.name);
  const std::span<const std::byte> blocks = fixture.bytes_of(name + ".blocks");
  const std::span<const std::byte> expected = fixture.bytes_of(name + ".values");
  const size_t count = expected.size() / sizeof(float);
  ASSERT_EQ(blocks.size() / static_cast<size_t>(info.block_bytes),
            count / static_cast<size_t>(info.block_elements));
  ASSERT_GE(count, 256U);
  std::vector<float> values(count);
  expand_blocks(GetParam(), blocks, values.data());
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, expected.data() + i * sizeof bits, sizeof bits);
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), bits)
        << "value " << i << ": " << values[i] << ", expected " << std::bit_cast<float>(bits);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, BlocksTest, testing::ValuesIn(kExpandable),
                         [](const auto& test) { return std::string(info_of(test.param).name); });

TEST(GgmlTypes, AreFoundByTheirNumbers) {
  EXPECT_EQ(find_ggml_type(12)->name, "Q4_K");
  EXPECT_EQ(find_ggml_type(30)->name, "BF16");
  EXPECT_EQ(find_ggml_type(4), nullptr);  // Q4_2, which was taken out
  EXPECT_EQ(find_ggml_type(1000), nullptr);
}

TEST(GgmlTypes, HoldADtypeWhereTheyAreNoBlocks) {
  EXPECT_EQ(dtype_of(GgmlType::kBF16), DType::kBF16);
  EXPECT_EQ(dtype_of(GgmlType::kQ80), std::nullopt);
  EXPECT_EQ(dtype_of(GgmlType::kF64), std::nullopt);
  EXPECT_TRUE(is_expandable(GgmlType::kQ6K));
  EXPECT_FALSE(is_expandable(GgmlType::kF32));
  EXPECT_FALSE(is_expandable(GgmlType::kIQ4NL));
}

}  // namespace
}  // namespace caravan
