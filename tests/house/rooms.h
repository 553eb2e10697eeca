// The rooms of src/ and who may include whom: the table of docs/architecture.md, and the check that reads the
// includes. Thread safety: pure functions.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace caravan::house {

/// Each room with the rooms that its row names; what those may include, it may include too.
using RoomTable = std::map<std::string, std::set<std::string>>;

/// The table of this project.
const RoomTable& rooms();

/// What is wrong with the includes below `source`, a sentence each: an edge that the table does not allow, a
/// folder that is not in the table, a room without files, a cycle in the table itself.
std::vector<std::string> wrong_includes(const std::filesystem::path& source, const RoomTable& table);

}  // namespace caravan::house
