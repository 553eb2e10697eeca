// docs/ops.md says what runs where, and is made from the kernel tables, by the command that it gives itself.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "kernels/select.h"
#include "support/paths.h"

namespace caravan {
namespace {

/// The level whose kernel `table` holds for the op `name` at `dtype`.
std::string level_in(const KernelTable& table, const std::string& name, DType dtype) {
  std::string level;
  for_each_row(table, [&](const char* row_name, const auto& row) {
    if (name == row_name) level = row.at(dtype).level;
  });
  return level;
}

/// One row for each op and dtype: the level whose kernel runs it when that level is chosen.
std::string matrix() {
  std::ostringstream out;
  out << "# Which kernel runs what, where\n\n"
         "One row for each op and the dtype that it is chosen by (`src/ops/` says which of its tensors that "
         "is); one\n"
         "column for each level that `CARAVAN_ISA` can name. On machines that are not x86-64 the portable "
         "level is all "
         "there is.\n\n"
         "Made from the kernel tables by a test, `tests/kernels_x86/ops_doc_test.cpp`, which fails when this "
         "page "
         "is out of date. To\n"
         "make it anew:\n\n"
         "```\n"
         "CARAVAN_WRITE_DOCS=1 build/release/tests/caravan_kernels_x86_tests --gtest_filter='OpsDoc.*'\n"
         "```\n\n"
         "| op | dtype |";
  constexpr IsaLevel kLevels[] = {IsaLevel::kPortable, IsaLevel::kAvx2, IsaLevel::kAvx512,
                                  IsaLevel::kAvx512Bf16Vnni, IsaLevel::kAmx};
  std::vector<KernelTable> tables;
  for (const IsaLevel level : kLevels) {
    out << ' ' << name_of(level) << " |";
    tables.push_back(select_kernels(level));
  }
  out << "\n|---|---|---|---|---|---|---|\n";
  for_each_row(tables.front(), [&](const char* name, const auto& row) {
    for (size_t i = 0; i < kDTypeCount; ++i) {
      const auto dtype = static_cast<DType>(i);
      if (row.at(dtype).run == nullptr) continue;
      out << "| " << name << " | " << name_of(dtype) << " |";
      for (const KernelTable& table : tables) out << ' ' << level_in(table, name, dtype) << " |";
      out << '\n';
    }
  });
  return out.str();
}

TEST(OpsDoc, IsWhatTheKernelTablesSay) {
  const std::filesystem::path path = test::source_dir() / "docs" / "ops.md";
  if (std::getenv("CARAVAN_WRITE_DOCS") != nullptr) std::ofstream(path) << matrix();
  EXPECT_EQ(read_file(path, 1'000'000), matrix());
}

}  // namespace
}  // namespace caravan
