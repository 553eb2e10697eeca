#include "scheduler/fair_queue.h"

#include <gtest/gtest.h>

namespace caravan {
namespace {

ScheduledSequence sequence(int64_t id, const std::string& client, int64_t priority = 0) {
  ScheduledSequence made;
  made.id = id;
  made.client = client;
  made.priority = priority;
  return made;
}

TEST(FairQueue, IsFirstComeFirstServedForOneClient) {
  ScheduledSequence a = sequence(1, "x");
  ScheduledSequence b = sequence(2, "x");
  FairQueue queue;
  queue.push(&a);
  queue.push(&b);
  EXPECT_EQ(queue.next(), &a);
  queue.remove(&a);
  EXPECT_EQ(queue.next(), &b);
  queue.remove(&b);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(FairQueue, PrefersTheClientThatWasServedLeast) {
  ScheduledSequence a = sequence(1, "greedy");
  ScheduledSequence b = sequence(2, "greedy");
  ScheduledSequence c = sequence(3, "modest");
  FairQueue queue;
  queue.push(&a);
  queue.remove(&a);
  queue.charge("greedy", 1000);
  queue.push(&b);
  queue.push(&c);
  // The newcomer begins level with those that wait, not with nothing to its name.
  EXPECT_EQ(queue.next(), &b);
  queue.charge("greedy", 1);
  EXPECT_EQ(queue.next(), &c);
}

TEST(FairQueue, PutsPriorityBeforeFairness) {
  ScheduledSequence a = sequence(1, "x", 1);
  ScheduledSequence b = sequence(2, "y", 0);
  FairQueue queue;
  queue.push(&a);
  queue.push(&b);
  queue.charge("y", 1000);
  EXPECT_EQ(queue.next(), &b);
}

TEST(FairQueue, ResumesThePreemptedFirstAndTheOldestOfThem) {
  ScheduledSequence a = sequence(1, "x");
  ScheduledSequence b = sequence(2, "x");
  ScheduledSequence c = sequence(3, "x", -5);
  FairQueue queue;
  queue.push(&c);
  queue.push_preempted(&b);
  queue.push_preempted(&a);
  EXPECT_EQ(queue.next(), &a);
  queue.remove(&a);
  EXPECT_EQ(queue.next(), &b);
  queue.remove(&b);
  EXPECT_EQ(queue.next(), &c);
  EXPECT_EQ(queue.size(), 1U);
}

TEST(FairQueue, RemovingWhatIsNotThereChangesNothing) {
  ScheduledSequence a = sequence(1, "x");
  const ScheduledSequence b = sequence(2, "x");
  FairQueue queue;
  queue.push(&a);
  queue.remove(&b);
  EXPECT_EQ(queue.size(), 1U);
}

}  // namespace
}  // namespace caravan
