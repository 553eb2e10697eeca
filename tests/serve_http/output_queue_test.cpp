#include "serve/http/output_queue.h"

#include <gtest/gtest.h>

namespace caravan::http {
namespace {

TEST(OutputQueue, GathersWhatIsQueuedIntoOnePiece) {
  OutputQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.append("head ");
  queue.append_chunk("0123456789abcdef");
  queue.append_chunk("x");
  EXPECT_EQ(queue.bytes(), "head 10\r\n0123456789abcdef\r\n1\r\nx\r\n");
}

TEST(OutputQueue, HasNoEmptyChunksWhichWouldEndTheBody) {
  OutputQueue queue;
  queue.append_chunk("");
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, KeepsTheOrderWhileItIsTaken) {
  OutputQueue queue;
  std::string expected;
  std::string taken;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    queue.append(piece);
    expected += piece;
    const size_t count = queue.size() / 3;
    taken += queue.bytes().substr(0, count);
    queue.consume(count);
    EXPECT_EQ(queue.size(), expected.size() - taken.size());
  }
  taken += queue.bytes();
  queue.consume(queue.size());
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(taken, expected);
}

TEST(OutputQueue, IsEmptyOnceCleared) {
  OutputQueue queue;
  queue.append("abc");
  queue.consume(1);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), "");
}

}  // namespace
}  // namespace caravan::http
