// Files: read whole, mapped, or written so that a half-written file never stands under its final name.
// Thread safety: a MappedFile may be read from any thread; an OutputFile belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace caravan {

/// The bytes of the file at `path`. Throws Error if it is missing, is no regular file, cannot be read, or is
/// larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// Whether there is something at `path`; false too where it cannot be asked.
bool file_exists(const std::filesystem::path& path);

/// Throws Error unless `path` is a folder that can be read. `flag` is where the user named it.
void require_folder(const std::filesystem::path& path, const std::string& flag);

/// A file mapped read-only for as long as this lives.
class MappedFile {
 public:
  /// Throws Error if the file is missing, is no regular file, is empty, or cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// All bytes of the file.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Reads these bytes into memory now, so that the first who touches them does not wait for the disk.
  void bring_in(std::span<const std::byte> part) const;
  /// Tells the system that these bytes are not needed soon: their pages leave this process's memory, and are
  /// read again from the file if they are touched.
  void release(std::span<const std::byte> part) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// A file being written: its bytes go to a temporary file beside it, which takes the final name at commit()
/// and is removed if commit() is never reached. A target that exists and is not a regular file (a pipe, a
/// device) is written directly. Every function throws Error, naming the path and the system's reason, when a
/// write fails.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  /// Overwrites bytes at `offset` from the start of the file; needs a regular file.
  void write_at(uint64_t offset, std::string_view bytes);
  /// Makes the file appear under its name with everything written.
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* doing) const;

  std::filesystem::path path_;
  std::filesystem::path written_path_;
  int descriptor_ = -1;
};

}  // namespace caravan
