// Two thousand clients at once.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "serve_http/running_server.h"

namespace caravan::http {
namespace {

using test::Client;
using test::Held;
using test::request_text;
using test::RunningServer;

constexpr size_t kStreams = 2000;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Resident bytes of this process.
size_t resident() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t pages = 0;
  statm >> total >> pages;
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

/// Raises the limit of open files to `needed`; whether that is possible.
bool allow_files(rlim_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < needed) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

TEST(ManyStreams, AreServedAtOnceInLittleMemory) {
  // Both ends of each are here.
  if (!allow_files(2 * kStreams + 100)) GTEST_SKIP() << "this user may not open " << 2 * kStreams << " files";
  Held held;
  RunningServer server(held.handler(true));
  const std::string text = request_text("POST", "/v1/completions", "Accept: text/event-stream\r\n", "{}");
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(kStreams);
  const size_t before = resident();
  for (size_t i = 0; i < kStreams; ++i) {
    clients.push_back(server.client());
    ASSERT_TRUE(clients.back()->send(text)) << i;
  }
  for (const auto& client : clients) ASSERT_EQ(client->reply_head().status, 200);
  const size_t per_stream = (resident() - before) / kStreams;
  RecordProperty("bytes_per_idle_stream", static_cast<int>(per_stream));
  // With the request, the handler's own, and the test's client; 200 MB allow 100,000.
  if (!kSanitized) {
    EXPECT_LT(per_stream, 16384U);
  }
  EXPECT_EQ(server->connections(), kStreams);

  for (int round = 0; round < 3; ++round) {
    server.on_io([&] {
      for (const auto& responder : held.responders) responder->write("data: token\n\n");
    });
    for (const auto& client : clients) ASSERT_EQ(client->next_chunk(), "data: token\n\n");
  }
  for (size_t i = 0; i < kStreams / 2; ++i) clients[i]->close();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == kStreams / 2; }));
  server.on_io([&] {
    EXPECT_EQ(held.gone, kStreams / 2);
    for (const auto& responder : held.responders) responder->finish();
  });
  for (size_t i = kStreams / 2; i < kStreams; ++i) ASSERT_EQ(clients[i]->next_chunk(), "");
}

}  // namespace
}  // namespace caravan::http
