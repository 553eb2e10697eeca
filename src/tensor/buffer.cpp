#include "tensor/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace caravan {

namespace {

/// Above this, memory comes from the system as zero pages that cost nothing until they are touched.
constexpr size_t kMapAbove = size_t{1} << 20U;

}  // namespace

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  if (bytes > kMapAbove) {
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data_ = mapped == MAP_FAILED ? nullptr : mapped;
    // Weights are first written and then streamed: huge pages save most of the page faults and TLB misses.
    // Where the system has none, nothing is lost.
    if (data_ != nullptr) ::madvise(data_, bytes, MADV_HUGEPAGE);
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

}  // namespace caravan
