#include "serve/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <future>

namespace caravan::serve {
namespace {

TEST(Signals, CountWhatComesForWhoListens) {
  Signals signals;
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

TEST(SignalsDeathTest, EndTheProcessWithoutAnErrorWhileNobodyListens) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const Signals signals;
          ::kill(::getpid(), signal);
          while (true) ::pause();
        },
        testing::ExitedWithCode(0), "");
  }
}

TEST(SignalsDeathTest, EndTheProcessWithoutAnErrorAfterTheListenersEnd) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Signals signals;
        {
          const Signals::Listener listener(signals, [](int /*count*/) {});
        }
        ::kill(::getpid(), SIGTERM);
        while (true) ::pause();
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace caravan::serve
