#include "support/paths.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace caravan::test {

namespace fs = std::filesystem;

fs::path source_dir() { return CARAVAN_SOURCE_DIR; }

fs::path fixture(const std::string& name) { return source_dir() / "tests" / "fixtures" / name; }

std::optional<fs::path> shared(const std::string& name) {
  const fs::path path = source_dir() / ".." / "shared" / name;
  std::error_code missing;
  if (!fs::exists(path, missing)) return std::nullopt;
  return path;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "caravan_test_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no temporary folder could be made at " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  const fs::path path = path_ / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

}  // namespace caravan::test
