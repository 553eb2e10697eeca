#include "kernels/select.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "kernels/cpu/levels.h"
#include "kernels/reference/reference_kernels.h"

namespace caravan {

namespace {

constexpr std::array<IsaLevel, 5> kLevels = {IsaLevel::kPortable, IsaLevel::kAvx2, IsaLevel::kAvx512,
                                             IsaLevel::kAvx512Bf16Vnni, IsaLevel::kAmx};

bool cpu_has(IsaLevel level, const CpuFeatures& features) {
  switch (level) {
    case IsaLevel::kPortable:
      return true;
    case IsaLevel::kAvx2:
      return features.avx2;
    case IsaLevel::kAvx512:
      return features.avx512;
    case IsaLevel::kAvx512Bf16Vnni:
      // VBMI2 too: of all CPUs with BF16 only Cooper Lake (2020) has it not, and takes avx512.
      return features.avx512_bf16 && features.avx512_vnni && features.avx512_vbmi2;
    case IsaLevel::kAmx:
      return features.amx;
  }
  return false;
}

}  // namespace

std::string_view name_of(IsaLevel level) {
  switch (level) {
    case IsaLevel::kPortable:
      return "portable";
    case IsaLevel::kAvx2:
      return "avx2";
    case IsaLevel::kAvx512:
      return "avx512";
    case IsaLevel::kAvx512Bf16Vnni:
      return "avx512_bf16_vnni";
    case IsaLevel::kAmx:
      return "amx";
  }
  return "";
}

std::vector<IsaLevel> available_levels(const CpuFeatures& features) {
  std::vector<IsaLevel> levels = {IsaLevel::kPortable};
  for (const IsaLevel level : kLevels) {
    if (level != IsaLevel::kPortable && cpu::has_level_kernels() && cpu_has(level, features))
      levels.push_back(level);
  }
  return levels;
}

IsaLevel choose_level(const char* value, const CpuFeatures& features) {
  const std::vector<IsaLevel> levels = available_levels(features);
  if (value == nullptr || *value == '\0') return levels.back();
  const auto chosen =
      std::find_if(levels.begin(), levels.end(), [value](IsaLevel level) { return name_of(level) == value; });
  if (chosen != levels.end()) return *chosen;
  std::string have;
  for (const IsaLevel level : levels) have += (have.empty() ? "" : ", ") + std::string(name_of(level));
  fail("CARAVAN_ISA: found ", in_quotes(value), ", expected one of what this machine and build have: ", have);
}

int64_t largest_fast_head(IsaLevel level) {
  return level == IsaLevel::kPortable ? std::numeric_limits<int64_t>::max() : cpu::largest_head();
}

KernelTable select_kernels(IsaLevel level) {
  KernelTable table;
  add_reference_kernels(table);
  if (level >= IsaLevel::kAvx2) cpu::add_avx2_kernels(table);
  if (level >= IsaLevel::kAvx512) cpu::add_avx512_kernels(table);
  if (level >= IsaLevel::kAvx512Bf16Vnni) cpu::add_avx512_bf16_vnni_kernels(table);
  if (level >= IsaLevel::kAmx) cpu::add_amx_kernels(table);
  for_each_row(table, [](const char* name, const auto& row) {
    for (size_t i = 0; i < kDTypeCount; ++i) {
      const auto& entry = row.at(static_cast<DType>(i));
      if (entry.run != nullptr)
        log(LogLevel::kDebug, "kernel ", name, " ", name_of(static_cast<DType>(i)), ": ", entry.level);
    }
  });
  return table;
}

}  // namespace caravan
