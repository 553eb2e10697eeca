#include "cli/system_info.h"

#include <cstdlib>
#include <iomanip>
#include <string>

#include "base/machine.h"
#include "cli/show/size_text.h"
#include "device/numa.h"
#include "execute/tuning/tile_cache.h"
#include "kernels/select.h"

namespace caravan::cli {

namespace {

std::string levels_text() {
  std::string text;
  for (const IsaLevel level : available_levels(cpu_features()))
    text += (text.empty() ? "" : ", ") + std::string(name_of(level));
  const CpuFeatures features = cpu_features();
  if (features.avx512_bf16 && features.avx512_vnni && !features.avx512_vbmi2)
    text += "; avx512_bf16_vnni not available: this CPU has no VBMI2";
  if (const std::string refusal = amx_refusal(); !refusal.empty()) text += "; amx not available: " + refusal;
  return text + "; used: " + std::string(name_of(choose_level(std::getenv("CARAVAN_ISA"), cpu_features())));
}

std::string huge_pages_text() {
  const std::string setting = huge_page_setting();
  if (setting == "always" || setting == "madvise") return setting + ": weights, caches and buffers use them";
  return setting.empty() ? "not known to this system" : setting + ": not used";
}

}  // namespace

void print_system(std::ostream& out) {
  const auto line = [&out](const std::string& name, const std::string& value) {
    out << "  " << std::left << std::setw(18) << name << value << "\n";
  };
  const MachineMemory memory = machine_memory();
  const size_t nodes = numa_nodes().size();
  const std::filesystem::path tiles = default_tile_cache();
  out << "this machine\n";
  line("CPU", cpu_name());
  line("usable CPUs", std::to_string(usable_cpus()));
  line("kernels", levels_text());
  line("last-level cache", size_text(last_level_cache_bytes()));
  line("memory", size_text(memory.total_bytes) + ", " + size_text(memory.available_bytes) + " free");
  line("memory nodes", std::to_string(nodes) + (nodes > 1 ? "; --bind-cpu spreads weights over them" : ""));
  line("huge pages", huge_pages_text());
  line("tile shapes",
       tiles.empty() ? "kept nowhere: neither XDG_CACHE_HOME nor HOME is set" : tiles.string());
}

}  // namespace caravan::cli
