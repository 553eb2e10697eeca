#include "base/short_turns.h"

#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace caravan {

bool prefer_short_turns() {
  // The shortest that Linux takes. With SCHED_OTHER, sched_runtime is the length of a turn.
  constexpr unsigned long long kTurnNanoseconds = 100'000;
  sched_attr wish = {};
  // No library function has these calls. What is got is given back, so that only the turn changes.
  if (::syscall(SYS_sched_getattr, 0, &wish, sizeof wish, 0U) != 0 || wish.sched_policy != 0) return false;
  wish.sched_runtime = kTurnNanoseconds;
  if (::syscall(SYS_sched_setattr, 0, &wish, 0U) != 0) return false;
  sched_attr granted = {};
  return ::syscall(SYS_sched_getattr, 0, &granted, sizeof granted, 0U) == 0 &&
         granted.sched_runtime == kTurnNanoseconds;
}

}  // namespace caravan
