// Which levels there are, which one is chosen, and that the chosen one's kernels are what the table holds.
#include "kernels/select.h"

#include <gtest/gtest.h>

#include "kernels/cpu/levels.h"
#include "support/errors.h"

namespace caravan {
namespace {

constexpr CpuFeatures kNothing = {};
constexpr CpuFeatures kAvx2Only = {.avx2 = true};
constexpr CpuFeatures kBoth = {.avx2 = true, .avx512 = true};

TEST(AvailableLevels, FollowTheCpuAndTheBuild) {
  using Levels = std::vector<IsaLevel>;
  EXPECT_EQ(available_levels(kNothing), Levels{IsaLevel::kPortable});
  if (cpu::has_level_kernels()) {
    EXPECT_EQ(available_levels(kAvx2Only), (Levels{IsaLevel::kPortable, IsaLevel::kAvx2}));
    EXPECT_EQ(available_levels(kBoth), (Levels{IsaLevel::kPortable, IsaLevel::kAvx2, IsaLevel::kAvx512}));
  } else {
    EXPECT_EQ(available_levels(kBoth), Levels{IsaLevel::kPortable});
  }
}

TEST(ChooseLevel, TakesTheHighestAvailableWhereNoneIsNamed) {
  for (const CpuFeatures& features : {kNothing, kAvx2Only, kBoth}) {
    EXPECT_EQ(choose_level(nullptr, features), available_levels(features).back());
    EXPECT_EQ(choose_level("", features), available_levels(features).back());
  }
}

TEST(ChooseLevel, TakesTheNamedOne) {
  for (const IsaLevel level : available_levels(kBoth))
    EXPECT_EQ(choose_level(std::string(name_of(level)).c_str(), kBoth), level);
}

TEST(ChooseLevel, RefusesANameThatItDoesNotKnow) {
  EXPECT_EQ(test::error_of([] { choose_level("AVX2", kNothing); }),
            "CARAVAN_ISA: found \"AVX2\", expected one of what this machine and build have: portable");
}

TEST(ChooseLevel, RefusesALevelThatTheCpuLacksAndListsThoseThatItHas) {
  const std::string have = cpu::has_level_kernels() ? "portable, avx2" : "portable";
  EXPECT_EQ(test::error_of([] { choose_level("avx512", kAvx2Only); }),
            "CARAVAN_ISA: found \"avx512\", expected one of what this machine and build have: " + have);
}

TEST(SelectKernels, HoldsTheLevelThatItIsAskedFor) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    const std::string_view expected = level == IsaLevel::kPortable ? "reference" : name_of(level);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      EXPECT_EQ(table.linear.at(dtype).level, expected);
      EXPECT_EQ(table.packed_linear.at(dtype).level, expected);
    }
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
      EXPECT_EQ(table.attention.at(dtype).level, expected);
      EXPECT_EQ(table.kv_write.at(dtype).level, expected);
      EXPECT_EQ(table.rope_kv_write.at(dtype).level, expected);
    }
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      EXPECT_EQ(table.rms_norm.at(dtype).level, expected);
      EXPECT_EQ(table.add_rms_norm.at(dtype).level, expected);
      EXPECT_EQ(table.silu_mul.at(dtype).level, expected);
      EXPECT_EQ(table.quantize_rows.at(dtype).level, expected);
    }
    EXPECT_EQ(table.packed_linear.at(DType::kI8).level, expected);
    EXPECT_EQ(table.packed_linear.at(DType::kU8).level, expected);
    EXPECT_EQ(table.rms_norm.at(DType::kU8).level, expected);
    EXPECT_EQ(table.rope.at(DType::kF32).level, expected);
    EXPECT_EQ(table.add.at(DType::kF32).level, expected);
  }
}

TEST(SelectKernels, GivesThisMachineTheHighestLevelThatItsCpuHas) {
  const CpuFeatures features = cpu_features();
  if (!cpu::has_level_kernels() || !features.avx2)
    GTEST_SKIP() << "this build or CPU has the portable level only";
  const KernelTable table = select_kernels(choose_level(nullptr, features));
  const bool bf16_vnni = features.avx512_bf16 && features.avx512_vnni && features.avx512_vbmi2;
  const std::string_view expected = features.amx      ? "amx"
                                    : bf16_vnni       ? "avx512_bf16_vnni"
                                    : features.avx512 ? "avx512"
                                                      : "avx2";
  EXPECT_EQ(table.linear.at(DType::kBF16).level, expected);
  EXPECT_EQ(table.attention.at(DType::kBF16).level, expected);
}

TEST(SelectKernels, TakesNoLevelWhoseKernelsTheCpuLacksAnInstructionOf) {
  if (!cpu::has_level_kernels()) GTEST_SKIP() << "this build has the portable level only";
  // Cooper Lake: BF16 and VNNI, but not the VBMI2 that sparse weights are expanded by.
  const CpuFeatures cooper_lake = {.avx2 = true, .avx512 = true, .avx512_bf16 = true, .avx512_vnni = true};
  EXPECT_EQ(available_levels(cooper_lake).back(), IsaLevel::kAvx512);
}

TEST(SelectKernels, LeavesNoEntryEmptyThatTheReferenceFills) {
  KernelTable portable = select_kernels(IsaLevel::kPortable);
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    int filled = 0;
    int expected = 0;
    for (size_t i = 0; i < kDTypeCount; ++i) {
      const auto dtype = static_cast<DType>(i);
      for_each_row(portable, [&](const char*, const auto& row) { expected += row.at(dtype).run != nullptr; });
      for_each_row(table, [&](const char*, const auto& row) { filled += row.at(dtype).run != nullptr; });
    }
    EXPECT_EQ(filled, expected) << name_of(level);
    EXPECT_GT(filled, 0);
  }
}

}  // namespace
}  // namespace caravan
