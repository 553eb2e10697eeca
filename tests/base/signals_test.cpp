#include "base/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <future>

namespace caravan {
namespace {

TEST(Signals, CountWhatComesForWhoListens) {
  Signals signals(0);
  for (int round = 0; round < 2; ++round) {
    std::promise<int> first;
    std::promise<int> second;
    const Signals::Listener listener(signals,
                                     [&](int count) { (count == 1 ? first : second).set_value(count); });
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(first.get_future().get(), 1);
    ::kill(::getpid(), SIGINT);
    EXPECT_EQ(second.get_future().get(), 2);
  }
}

TEST(SignalsDeathTest, EndTheProcessWithTheGivenCodeWhileNobodyListens) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const Signals signals(7);
          ::kill(::getpid(), signal);
          while (true) ::pause();
        },
        testing::ExitedWithCode(7), "");
  }
}

TEST(SignalsDeathTest, EndTheProcessWithTheGivenCodeAfterTheListenersEnd) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Signals signals(7);
        {
          const Signals::Listener listener(signals, [](int /*count*/) {});
        }
        ::kill(::getpid(), SIGTERM);
        while (true) ::pause();
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace caravan
