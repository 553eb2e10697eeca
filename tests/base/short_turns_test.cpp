// Short turns change how long a thread runs at a time, and nothing else.
#include "base/short_turns.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace caravan {
namespace {

TEST(ShortTurns, KeepAThreadsPriority) {
  std::thread([] {
    constexpr int kNice = 7;
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    ASSERT_EQ(::setpriority(PRIO_PROCESS, thread, kNice), 0);
    static_cast<void>(prefer_short_turns());
    EXPECT_EQ(::getpriority(PRIO_PROCESS, thread), kNice);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  }).join();
}

TEST(ShortTurns, AreRefusedToAThreadOfAnotherPolicy) {
  std::thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    EXPECT_FALSE(prefer_short_turns());
    EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
  }).join();
}

}  // namespace
}  // namespace caravan
