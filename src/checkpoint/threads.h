// Work on every core while a model loads. Thread safety: each call starts and joins threads of its own.
#pragma once

#include <cstddef>
#include <functional>

namespace caravan {

/// Calls work(item) for each of `items` items, on every core that this process may use. Rethrows what the
/// first failing call threw, once all threads have stopped.
void for_each_in_parallel(size_t items, const std::function<void(size_t item)>& work);

}  // namespace caravan
