// Machines whose memory is in several places (NUMA nodes), each nearer to some CPUs than to others.
// Thread safety: pure functions of the system; interleave_memory() acts on the calling thread and those that
// it starts later.
#pragma once

#include <string>
#include <vector>

namespace caravan {

/// The numbers in a list such as "0-2,5", which the system writes; nothing where it is not one.
std::vector<int> parse_number_list(const std::string& text);

/// The nodes that have memory; {0} where the system does not say.
std::vector<int> numa_nodes();

/// From now on memory is taken from all nodes by turns, so that weights that every thread streams are read at
/// the speed of all of them together. Returns whether the system agreed; does nothing where there is one
/// node.
bool interleave_memory();

}  // namespace caravan
