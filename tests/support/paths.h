// Where the tests find their data: the project's own files, and ../shared where a checkout has it beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace caravan::test {

/// The root of the checkout.
std::filesystem::path source_dir();

/// tests/fixtures/`name`, which is committed and therefore always there.
std::filesystem::path fixture(const std::string& name);

/// ../shared/`name`, or nothing where this checkout has no such neighbour: the test then skips and says so.
std::optional<std::filesystem::path> shared(const std::string& name);

/// A new empty folder under the system's temporary folder, removed with everything in it at the end of scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// The path of `name` inside the folder.
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Writes `bytes` to the file `name` and returns its path.
  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace caravan::test
