#include "tensor/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace caravan {

namespace {

/// Above this, memory comes from the system as zero pages that cost nothing until they are touched.
constexpr size_t kMapAbove = size_t{1} << 20U;
/// Of x86-64 and, with pages of 4 KB, of aarch64.
constexpr size_t kHugePage = size_t{2} << 20U;

/// `bytes` of zero pages, null where there are none. They begin where a huge page does if they fill one:
/// else a piece of up to one at either end would be of small pages.
void* map_pages(size_t bytes) {
  const size_t more = bytes < kHugePage ? 0 : kHugePage;
  void* mapped = ::mmap(nullptr, bytes + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  if (more > 0) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
    if (before > 0) ::munmap(begin, before);
    begin += before;
    std::byte* end = begin + (bytes + page - 1) / page * page;
    if (before < more) ::munmap(end, more - before);
  }
  // Weights are first written and then streamed: huge pages save most of the page faults and TLB misses.
  // Where the system has none, nothing is lost.
  ::madvise(begin, bytes, MADV_HUGEPAGE);
  return begin;
}

}  // namespace

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  if (bytes > kMapAbove) {
    data_ = map_pages(bytes);
  } else {
    const size_t rounded = (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    data_ = std::aligned_alloc(kBufferAlignment, rounded);
    if (data_ != nullptr) std::memset(data_, 0, rounded);
  }
  if (data_ == nullptr) fail("out of memory: the system has no ", bytes, " bytes more");
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (size_ > kMapAbove) {
    ::munmap(data_, size_);
  } else {
    std::free(data_);
  }
}

std::byte* Slabs::take(size_t bytes) {
  // Memory that is not touched costs nothing, so that a slab may be larger than what comes of it.
  constexpr size_t kSlab = size_t{256} << 20U;
  const size_t begin = (used_ + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
  if (slabs_.empty() || begin + bytes > slabs_.back().size()) {
    slabs_.emplace_back(std::max(bytes, kSlab));
    used_ = bytes;
    return slabs_.back().bytes().data();
  }
  used_ = begin + bytes;
  return slabs_.back().bytes().data() + begin;
}

}  // namespace caravan
