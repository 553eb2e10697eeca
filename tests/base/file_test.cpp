#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

TEST(ReadFile, ReturnsEveryByte) {
  const TemporaryFolder folder;
  std::string bytes(100'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
  EXPECT_EQ(read_file(folder.write("f", bytes), bytes.size()), bytes);
  EXPECT_EQ(read_file(folder.write("empty", ""), 0), "");
}

TEST(ReadFile, RefusesWhatItCannotRead) {
  const TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  EXPECT_EQ(error_of([&] { read_file(missing, 9); }),
            missing + ": cannot be opened: No such file or directory");
  const std::string path = folder.path().string();
  EXPECT_EQ(error_of([&] { read_file(path, 9); }), path + ": is not a regular file");
  const fs::path large = folder.write("large", "0123456789");
  EXPECT_EQ(error_of([&] { read_file(large, 9); }),
            large.string() + ": has 10 bytes, expected at most 9 in a file of this kind");
}

TEST(ReadFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_file(pipe, 9); }), pipe.string() + ": is not a regular file");
}

TEST(RequireFolder, NamesTheFlagAndWhatItFound) {
  const TemporaryFolder folder;
  require_folder(folder.path(), "--model-path");
  const fs::path file = folder.write("file", "x");
  EXPECT_EQ(error_of([&] { require_folder(file, "--model-path"); }),
            "--model-path: \"" + file.string() + "\" is not a folder");
  const fs::path missing = folder / "missing";
  EXPECT_EQ(error_of([&] { require_folder(missing, "--model-path"); }),
            "--model-path: there is no folder \"" + missing.string() + "\"");
}

TEST(MappedFile, HoldsTheFilesBytesAndSurvivesMoves) {
  const TemporaryFolder folder;
  MappedFile first(folder.write("a", "first"));
  MappedFile second(folder.write("b", "second one"));
  second = std::move(first);
  const MappedFile third(std::move(second));
  ASSERT_EQ(third.bytes().size(), 5U);
  EXPECT_EQ(std::to_integer<char>(third.bytes()[4]), 't');
  EXPECT_EQ(third.path().filename(), "a");
}

TEST(MappedFile, RefusesAnEmptyFile) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("empty", "");
  EXPECT_EQ(error_of([&] { MappedFile file(path); }), path.string() + ": is empty");
}

/// How many of the pages that `bytes` touches are in this process's own page tables.
size_t present_pages(std::span<const std::byte> bytes) {
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(bytes.data()) / page;
  const auto last = (reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size() - 1) / page;
  constexpr uint64_t kPresent = uint64_t{1} << 63U;
  size_t present = 0;
  for (uintptr_t at = first; at <= last; ++at) {
    uint64_t entry = 0;
    const auto offset = static_cast<off_t>(at * sizeof entry);
    if (pread(pagemap, &entry, sizeof entry, offset) == sizeof entry && (entry & kPresent) != 0) ++present;
  }
  ::close(pagemap);
  return present;
}

TEST(MappedFile, ReleasesOnlyWholePagesOfThePartAndReadsThemAgain) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const TemporaryFolder folder;
  const MappedFile file(folder.write("f", std::string(8 * page, 'x')));
  size_t count = 0;
  for (const std::byte byte : file.bytes()) count += byte == std::byte{'x'} ? 1 : 0;
  ASSERT_EQ(count, 8 * page);
  if (present_pages(file.bytes()) != 8) GTEST_SKIP() << "this system does not show which pages are present";
  file.release(file.bytes().subspan(page / 2, 4 * page));
  EXPECT_EQ(present_pages(file.bytes()), 8U - 3U);
  EXPECT_EQ(file.bytes()[2 * page], std::byte{'x'});
}

TEST(MappedFile, BringsInEveryPageThatThePartTouches) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const TemporaryFolder folder;
  const MappedFile file(folder.write("f", std::string(64 * page, 'x')));
  ASSERT_EQ(present_pages(file.bytes()), 0U);
  file.bring_in(file.bytes().subspan(page / 2, 63 * page));
  const size_t present = present_pages(file.bytes());
  if (present == 0) GTEST_SKIP() << "this system does not bring pages in, or does not show them";
  EXPECT_EQ(present, 64U);
}

TEST(OutputFile, AppearsUnderItsNameOnlyAtCommit) {
  const TemporaryFolder folder;
  const fs::path path = folder / "out";
  OutputFile file(path);
  file.write("hello ");
  file.write("world");
  file.write_at(0, "J");
  EXPECT_FALSE(fs::exists(path));
  file.commit();
  EXPECT_EQ(read_file(path, 100), "Jello world");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("out"));
}

TEST(OutputFile, LeavesTheOldFileAloneAndNoTraceWithoutCommit) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("out", "old");
  {
    OutputFile file(path);
    file.write("new");
  }
  EXPECT_EQ(read_file(path, 100), "old");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("out"));
}

TEST(OutputFile, NamesThePathWhenItCannotBeOpened) {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(error_of([&] { OutputFile file(path); }),
            path + ": is a folder, expected the name of a file to write");
  const std::string in_missing = path + "/missing/out";
  EXPECT_EQ(error_of([&] { OutputFile file(in_missing); }),
            in_missing + ": cannot be written: No such file or directory");
}

TEST(OutputFile, WritesDirectlyToADevice) {
  OutputFile file("/dev/null");
  file.write("gone");
  file.commit();
  EXPECT_FALSE(fs::is_regular_file("/dev/null"));
}

TEST(OutputFile, SaysThatADeviceIsFull) {
  OutputFile file("/dev/full");
  EXPECT_EQ(error_of([&] { file.write("x"); }),
            "/dev/full: writing failed, and nothing was left behind: No space left on device");
}

/// Limits the size of files that this process may write, until the end of scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit = {bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    (void)std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(OutputFile, LeavesNothingBehindWhenAWriteFailsHalfway) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("out", "old");
  std::string message;
  {
    const FileSizeLimit limit(4096);
    OutputFile file(path);
    file.write(std::string(4000, 'a'));
    message = error_of([&] { file.write(std::string(4000, 'b')); });
  }
  EXPECT_EQ(message, path.string() + ": writing failed, and nothing was left behind: File too large");
  EXPECT_EQ(read_file(path, 100), "old");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("out"));
}

}  // namespace
}  // namespace caravan
