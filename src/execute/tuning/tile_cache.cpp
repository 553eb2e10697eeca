#include "execute/tuning/tile_cache.h"

#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// Changes when tiles mean something else.
constexpr int64_t kFormat = 1;
/// A thousand shapes on ten machines take about a megabyte.
constexpr uint64_t kMaxBytes = 16'000'000;
/// Larger than any dimension of a model, and small enough that no product overflows.
constexpr int64_t kMaxSize = int64_t{1} << 31U;
constexpr std::array<const char*, 3> kSplits = {"kernel", "shares", "queue"};

struct Entry {
  TuningMachine machine;
  TileKey key;
  MatmulTiles tiles;
};

Entry parse_entry(const Json& json, const std::string& source, size_t index) {
  const JsonObject object(json, source, "entries[" + std::to_string(index) + "]");
  Entry entry;
  entry.machine = {object.string("cpu"), object.string("isa"),
                   static_cast<int>(object.integer("threads", 1, 4096))};
  const std::optional<DType> dtype = dtype_from_name(object.string("dtype"));
  if (!dtype) object.wrong("dtype", "a dtype");
  entry.key = {*dtype, object.integer("panels", 1, kMaxSize), object.integer("in", 1, kMaxSize),
               static_cast<size_t>(object.integer("range", 0, kTokenRanges.size() - 1))};
  if (!is_floating(*dtype)) {
    const std::optional<DType> order = dtype_from_name(object.string("order"));
    if (!order) object.wrong("order", "a dtype");
    entry.key.order = *order;
    entry.key.bits = static_cast<int>(object.integer("bits", 1, 8));
    entry.key.group = object.integer("group", 0, kMaxSize);
  }
  entry.tiles.inputs = object.integer("tile_inputs", 0, kMaxSize);
  entry.tiles.tokens = object.integer("tile_tokens", 0, kMaxSize);
  const std::string split = object.string("split");
  for (size_t i = 0; i < kSplits.size(); ++i) {
    if (split == kSplits.at(i)) {
      entry.tiles.split = static_cast<PanelSplit>(i);
      return entry;
    }
  }
  object.wrong("split", "kernel, shares or queue");
}

/// Throws Error on a file that is not as write_tile_cache() writes it.
std::vector<Entry> parse_cache(const fs::path& path) {
  const Json json = parse_json(read_file(path, kMaxBytes), path.string());
  const JsonObject object(json, path.string());
  if (object.integer("format", 0, kMaxSize) != kFormat) object.wrong("format", std::to_string(kFormat));
  std::vector<Entry> entries;
  const Json* array = object.array("entries");
  if (array == nullptr) object.wrong("entries", "an array");
  for (size_t i = 0; i < array->size(); ++i) entries.push_back(parse_entry((*array)[i], path.string(), i));
  return entries;
}

std::vector<Entry> read_entries(const fs::path& path) {
  if (path.empty() || !file_exists(path)) return {};
  try {
    return parse_cache(path);
  } catch (const Error& error) {
    log(LogLevel::kWarning, "the cache of tile shapes is ignored: ", error.what());
    return {};
  }
}

Json to_json(const Entry& entry) {
  Json json = {
      {"cpu", entry.machine.cpu},          {"isa", entry.machine.isa},
      {"threads", entry.machine.threads},  {"dtype", std::string(name_of(entry.key.dtype))},
      {"panels", entry.key.panels},        {"in", entry.key.in},
      {"range", entry.key.range},          {"tile_inputs", entry.tiles.inputs},
      {"tile_tokens", entry.tiles.tokens}, {"split", kSplits.at(static_cast<size_t>(entry.tiles.split))}};
  if (entry.key.bits != 0) {
    json["order"] = std::string(name_of(entry.key.order));
    json["bits"] = entry.key.bits;
    json["group"] = entry.key.group;
  }
  return json;
}

}  // namespace

fs::path default_tile_cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "caravan" / "tiles.json";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return fs::path(home) / ".cache" / "caravan" / "tiles.json";
}

TileTable read_tile_cache(const fs::path& path, const TuningMachine& machine) {
  TileTable table;
  for (const Entry& entry : read_entries(path)) {
    if (entry.machine == machine) table[entry.key] = entry.tiles;
  }
  return table;
}

void write_tile_cache(const fs::path& path, const TuningMachine& machine, const TileTable& table) {
  if (path.empty()) return;
  Json entries = Json::array();
  for (const Entry& entry : read_entries(path)) {
    if (!(entry.machine == machine)) entries.push_back(to_json(entry));
  }
  for (const auto& [key, tiles] : table) entries.push_back(to_json({machine, key, tiles}));
  try {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    OutputFile file(path);
    file.write(Json{{"format", kFormat}, {"entries", entries}}.dump(1) + "\n");
    file.commit();
  } catch (const Error& error) {
    log(LogLevel::kWarning, "the tile shapes that were measured are not kept: ", error.what());
  }
}

}  // namespace caravan
