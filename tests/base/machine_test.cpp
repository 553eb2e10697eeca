#include "base/machine.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace caravan {
namespace {

/// Puts the process's CPU set back at the end of scope.
class AffinityRestorer {
 public:
  AffinityRestorer() { sched_getaffinity(0, sizeof before_, &before_); }
  ~AffinityRestorer() { sched_setaffinity(0, sizeof before_, &before_); }
  AffinityRestorer(const AffinityRestorer&) = delete;
  AffinityRestorer& operator=(const AffinityRestorer&) = delete;
  [[nodiscard]] const cpu_set_t& before() const { return before_; }

 private:
  cpu_set_t before_{};
};

TEST(UsableCpus, CountsOnlyThoseThatTheProcessMayRunOn) {
  const AffinityRestorer restorer;
  EXPECT_EQ(usable_cpus(), CPU_COUNT(&restorer.before()));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &restorer.before()) && CPU_COUNT(&one) == 0) CPU_SET(cpu, &one);
  }
  if (sched_setaffinity(0, sizeof one, &one) != 0) GTEST_SKIP() << "this process may not choose its CPUs";
  EXPECT_EQ(usable_cpus(), 1);
}

TEST(CpuFeatures, EachLevelIncludesTheOnesBelow) {
  const CpuFeatures features = cpu_features();
  EXPECT_TRUE(!features.avx512 || features.avx2);
  EXPECT_TRUE(!features.avx512_bf16 || features.avx512);
  EXPECT_TRUE(!features.avx512_vnni || features.avx512);
  EXPECT_TRUE(!features.avx512_vbmi2 || features.avx512);
  EXPECT_TRUE(!features.amx || (features.avx512_bf16 && features.avx512_vnni && features.avx512_vbmi2));
}

TEST(CpuFeatures, AgreeWithWhatTheKernelLists) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  while (std::getline(cpuinfo, line) && line.rfind("flags", 0) != 0) {
  }
  if (line.rfind("flags", 0) != 0) GTEST_SKIP() << "this CPU's /proc/cpuinfo lists no x86 flags";
  const auto listed = [&line](const std::string& flag) {
    return (line + " ").find(" " + flag + " ") != std::string::npos;
  };
  const bool avx2 = listed("avx2") && listed("fma") && listed("f16c");
  const bool avx512 =
      avx2 && listed("avx512f") && listed("avx512bw") && listed("avx512dq") && listed("avx512vl");
  const CpuFeatures features = cpu_features();
  EXPECT_EQ(features.avx2, avx2);
  EXPECT_EQ(features.avx512, avx512);
  EXPECT_EQ(features.avx512_bf16, avx512 && listed("avx512_bf16"));
  EXPECT_EQ(features.avx512_vnni, avx512 && listed("avx512_vnni"));
  EXPECT_EQ(features.avx512_vbmi2, avx512 && listed("avx512_vbmi2"));
  const bool amx = features.avx512_bf16 && features.avx512_vnni && features.avx512_vbmi2 &&
                   listed("amx_tile") && listed("amx_bf16") && listed("amx_int8");
  // A system may know of the tiles and still refuse them; it must give a reason then.
  EXPECT_EQ(features.amx, amx && amx_refusal().empty()) << amx_refusal();
}

TEST(MachineMemory, IsNoMoreThanTheKernelSays) {
  std::ifstream meminfo("/proc/meminfo");
  std::string name;
  uint64_t kilobytes = 0;
  ASSERT_TRUE(meminfo >> name >> kilobytes);
  ASSERT_EQ(name, "MemTotal:");
  const MachineMemory memory = machine_memory();
  EXPECT_GT(memory.total_bytes, 0U);
  EXPECT_LE(memory.total_bytes, kilobytes * 1024);
  EXPECT_LE(memory.available_bytes, memory.total_bytes);
}

TEST(PeakMemory, GrowsByWhatIsTouchedAndNeverFalls) {
  const uint64_t before = peak_memory_bytes();
  constexpr size_t kBytes = size_t{256} << 20U;
  {
    std::vector<char> touched(kBytes);
    std::memset(touched.data(), 1, touched.size());
    ASSERT_EQ(touched[kBytes / 2], 1);
  }
  const uint64_t after = peak_memory_bytes();
  EXPECT_GE(after, before);
  EXPECT_GE(after, kBytes);
}

TEST(OpenFilesLimit, IsRaisedToWhatTheSystemAllows) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_open_files_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(SecondsNow, NeverGoesBack) {
  double last = seconds_now();
  for (int i = 0; i < 1000; ++i) {
    const double now = seconds_now();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace caravan
