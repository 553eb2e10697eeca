#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// A descriptor that is closed at the end of scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

int open_for_reading(const fs::path& path, uint64_t& size) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail(path.string(), ": cannot be opened: ", std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    fail(path.string(), ": is not a regular file");
  }
  size = static_cast<uint64_t>(status.st_size);
  return descriptor;
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  uint64_t size = 0;
  const Descriptor file(open_for_reading(path, size));
  if (size > max_bytes) {
    fail(path.string(), ": has ", size, " bytes, expected at most ", max_bytes, " in a file of this kind");
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(file.number(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path.string(), ": cannot be read: ", std::strerror(errno));
    if (count == 0) fail(path.string(), ": ended after ", done, " of ", size, " bytes while it was read");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

bool file_exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

void require_folder(const fs::path& path, const std::string& flag) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(flag, ": there is no folder ", in_quotes(path.string()));
  if (!fs::is_directory(status)) fail(flag, ": ", in_quotes(path.string()), " is not a folder");
  if (::access(path.c_str(), R_OK | X_OK) != 0)
    fail(flag, ": the folder ", in_quotes(path.string()), " cannot be read");
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  uint64_t size = 0;
  const Descriptor file(open_for_reading(path, size));
  if (size == 0) fail(path.string(), ": is empty");
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (data == MAP_FAILED) fail(path.string(), ": cannot be mapped: ", std::strerror(errno));
  data_ = static_cast<const std::byte*>(data);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::bring_in(std::span<const std::byte> part) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = static_cast<size_t>(part.data() - data_) / page * page;
  const size_t length = static_cast<size_t>(part.data() - data_) + part.size() - first;
  // A hint: a kernel older than 5.14 does not know it, and then pages come in when they are first touched.
  ::madvise(const_cast<std::byte*>(data_) + first, length, MADV_POPULATE_READ);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto start = static_cast<size_t>(part.data() - data_);
  // Only whole pages inside the part: its neighbours may still be in use.
  const size_t first = (start + page - 1) / page * page;
  const size_t last = (start + part.size()) / page * page;
  if (last > first) ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

OutputFile::OutputFile(fs::path path) : path_(std::move(path)), written_path_(path_) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) fail(path_.string(), ": is a folder, expected the name of a file to write");
  if (!fs::exists(status) || fs::is_regular_file(status))
    written_path_ += ".partial-" + std::to_string(::getpid());
  descriptor_ = ::open(written_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_.string(), ": cannot be written: ", std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (written_path_ != path_) ::unlink(written_path_.c_str());
}

void OutputFile::fail_with_errno(const char* doing) const {
  fail(path_.string(), ": ", doing, " failed, and nothing was left behind: ", std::strerror(errno));
}

void OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno("writing");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void OutputFile::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno("writing");
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void OutputFile::commit() {
  const bool regular = written_path_ != path_;
  if (regular && ::fsync(descriptor_) != 0) fail_with_errno("writing");
  if (regular && ::rename(written_path_.c_str(), path_.c_str()) != 0) fail_with_errno("renaming");
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace caravan
