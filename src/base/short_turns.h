// How the system shares the CPUs among threads: asking it for short turns that come soon.
// Thread safety: of the calling thread only.
#pragma once

namespace caravan {

/// For a thread that has little to do at a time but should do it at once, beside others that compute without
/// pause: it runs as soon as it is woken, instead of when another's turn is over (up to 10 ms), for no more
/// CPU time than it would get otherwise. False where the system has no such wish (Linux before 6.12, and
/// others).
bool prefer_short_turns();

}  // namespace caravan
