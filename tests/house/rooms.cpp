#include "house/rooms.h"

#include <fstream>
#include <functional>

namespace caravan::house {

namespace fs = std::filesystem;

const RoomTable& rooms() {
  static const RoomTable kRooms = {
      {"base", {}},
      {"tensor", {"base"}},
      {"text/jinja", {"base"}},
      {"checkpoint/gguf", {"tensor"}},
      {"text", {"base", "text/jinja", "checkpoint/gguf"}},
      {"text/grammar", {"text"}},
      {"device", {"tensor"}},
      {"ops", {"device"}},
      {"kernels/reference", {"ops"}},
      {"kernels/cpu", {"ops"}},
      {"kernels/cpu/common", {}},
      {"kernels/cpu/avx2", {"kernels/cpu/common"}},
      {"kernels/cpu/avx512", {"kernels/cpu/common"}},
      {"kernels/cpu/avx512_bf16_vnni", {"kernels/cpu/common"}},
      {"kernels/cpu/amx", {"kernels/cpu/common"}},
      {"kernels/cpu/x86", {"ops", "kernels/cpu", "kernels/cpu/common", "kernels/reference"}},
      {"kernels/cpu/no_x86", {"ops", "kernels/cpu"}},
      {"kernels", {"ops", "kernels/reference", "kernels/cpu"}},
      {"graph", {"ops"}},
      {"graph/passes", {"graph"}},
      {"execute/tuning", {"graph"}},
      {"execute", {"graph", "graph/passes", "execute/tuning"}},
      {"checkpoint/quantized", {"tensor"}},
      {"checkpoint", {"tensor", "checkpoint/gguf", "checkpoint/quantized"}},
      {"checkpoint/output", {"checkpoint"}},
      {"models", {"graph", "graph/passes", "checkpoint"}},
      {"quantize", {"kernels", "execute", "models", "checkpoint/output"}},
      {"kv", {"device"}},
      {"sampling", {"tensor"}},
      {"scheduler", {"kv"}},
      {"engine",
       {"text", "text/grammar", "kernels", "execute", "execute/tuning", "models", "kv", "sampling",
        "scheduler"}},
      {"serve/http", {"base"}},
      {"serve/metrics", {"base"}},
      {"serve/page", {"base"}},
      {"serve/api", {"models", "text", "text/grammar", "sampling", "serve/http"}},
      {"serve/openai", {"serve/api"}},
      {"serve/tgi", {"serve/api"}},
      {"serve/mindie", {"serve/api", "serve/tgi"}},
      {"serve/kserve", {"serve/api"}},
      {"serve",
       {"engine", "serve/http", "serve/api", "serve/openai", "serve/tgi", "serve/mindie", "serve/kserve",
        "serve/metrics", "serve/page"}},
      {"cli/flags", {"engine"}},
      {"cli/show", {"base"}},
      {"cli/bench", {"cli/flags", "cli/show"}},
      {"cli/eval", {"cli/flags", "cli/show"}},
      {"cli/graph", {"cli/flags", "cli/show"}},
      {"cli/load", {"cli/flags", "cli/show"}},
      {"cli/quantize", {"cli/eval", "quantize"}},
      {"cli",
       {"serve", "cli/flags", "cli/show", "cli/bench", "cli/eval", "cli/graph", "cli/load", "cli/quantize"}},
  };
  return kRooms;
}

namespace {

/// All that `room` may include, itself too. `path` holds the rooms on the way, to find cycles.
void collect(const RoomTable& table, const std::string& room, std::set<std::string>& allowed,
             std::vector<std::string>& path, std::vector<std::string>& wrong) {
  for (const std::string& earlier : path) {
    if (earlier == room) {
      wrong.push_back("the table has a cycle through " + room);
      return;
    }
  }
  allowed.insert(room);
  const auto row = table.find(room);
  if (row == table.end()) {
    wrong.push_back("the table names " + room + ", which has no row");
    return;
  }
  path.push_back(room);
  for (const std::string& next : row->second) collect(table, next, allowed, path, wrong);
  path.pop_back();
}

/// The "room/file.h" of each #include "…" in the file.
std::vector<std::string> includes_of(const fs::path& file) {
  const std::string start = "#include \"";
  std::vector<std::string> found;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, start.size(), start) != 0) continue;
    found.push_back(line.substr(start.size(), line.find('"', start.size()) - start.size()));
  }
  return found;
}

}  // namespace

std::vector<std::string> wrong_includes(const fs::path& source, const RoomTable& table) {
  std::vector<std::string> wrong;
  std::set<std::string> with_files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source)) {
    const fs::path relative = fs::relative(entry.path(), source);
    const std::string room = relative.parent_path().generic_string();
    const std::string extension = relative.extension().string();
    // main.cpp, the only file outside a room, belongs to none and may include all.
    if (!entry.is_regular_file() || room.empty() || (extension != ".h" && extension != ".cpp")) continue;
    with_files.insert(room);
    if (!table.contains(room)) {
      wrong.push_back(relative.generic_string() + " is in no room of the table");
      continue;
    }
    std::set<std::string> allowed;
    std::vector<std::string> path;
    collect(table, room, allowed, path, wrong);
    for (const std::string& include : includes_of(entry.path())) {
      const std::string target = fs::path(include).parent_path().generic_string();
      if (allowed.contains(target)) continue;
      wrong.push_back(relative.generic_string() + " includes " + include + ", which " + room + " may not");
    }
  }
  for (const auto& [room, row] : table) {
    if (!with_files.contains(room)) wrong.push_back("the room " + room + " is empty");
  }
  return wrong;
}

}  // namespace caravan::house
