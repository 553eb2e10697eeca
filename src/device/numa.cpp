#include "device/numa.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <fstream>
#include <sstream>

namespace caravan {

namespace {

/// More nodes than any machine has; a list with more is not one.
constexpr int kMaxNodes = 1024;
constexpr int kBitsPerWord = 64;
/// MPOL_INTERLEAVE of set_mempolicy(2), whose header belongs to a library that nothing else needs.
constexpr int kInterleave = 3;

}  // namespace

std::vector<int> parse_number_list(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    std::istringstream range(part);
    int first = 0;
    int last = 0;
    char dash = 0;
    if (!(range >> first) || first < 0 || first >= kMaxNodes) return {};
    last = first;
    if (range >> dash && (dash != '-' || !(range >> last) || last < first || last >= kMaxNodes)) return {};
    for (int number = first; number <= last; ++number) numbers.push_back(number);
  }
  return numbers;
}

std::vector<int> numa_nodes() {
  std::ifstream in("/sys/devices/system/node/has_memory");
  std::string text;
  std::getline(in, text);
  const std::vector<int> nodes = parse_number_list(text);
  return nodes.empty() ? std::vector<int>{0} : nodes;
}

bool interleave_memory() {
  const std::vector<int> nodes = numa_nodes();
  if (nodes.size() < 2) return true;
#if defined(SYS_set_mempolicy)
  unsigned long mask[kMaxNodes / kBitsPerWord] = {};
  for (const int node : nodes) {
    mask[static_cast<size_t>(node / kBitsPerWord)] |= 1UL << static_cast<unsigned>(node % kBitsPerWord);
  }
  return ::syscall(SYS_set_mempolicy, kInterleave, mask, static_cast<unsigned long>(kMaxNodes)) == 0;
#else
  return false;
#endif
}

}  // namespace caravan
