#include "cli/graph/command.h"

#include <iomanip>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"
#include "checkpoint/weight_files.h"
#include "cli/flags/quantize_flags.h"
#include "cli/graph/drawing.h"
#include "cli/graph/layers.h"
#include "cli/show/size_text.h"
#include "execute/executor.h"
#include "models/precision.h"
#include "models/record.h"

namespace caravan::cli {

namespace {

/// Far above any context.
constexpr int64_t kMaxTokens = int64_t{1} << 24U;

struct GraphPlan {
  std::filesystem::path folder;
  std::string mode;
  ModelConfig config;
  Precision precision;
  int64_t tokens = 0;     ///< of the step that memory is planned for
  int64_t sequences = 1;  ///< in it; each wants the logits of its last token
};

GraphPlan parse(const Arguments& arguments) {
  const std::optional<std::string> flag = arguments.text("--model-path");
  if (flag.has_value() == arguments.positional().has_value())
    fail("caravan graph: expected one checkpoint folder or GGUF file, as in caravan graph models/demo");
  GraphPlan plan;
  plan.folder = flag.value_or(arguments.positional().value_or(""));
  require_model_path(plan.folder, "caravan graph");
  plan.mode =
      arguments.choice("--mode", {"eager", "reduce-overhead", "max-autotune"}).value_or("max-autotune");
  plan.config = load_config(plan.folder);
  LoadOptions options = parse_load_dtypes(arguments);
  // A config alone does, too.
  const bool has_weights = find_gguf(plan.folder).has_value() || has_weight_files(plan.folder);
  if (!has_weights && !plan.config.quantization) options.format = LoadFormat::kDummy;
  WeightStore store = WeightStore::open(plan.folder, options.format);
  plan.precision = precision_of(plan.config, store, options);
  plan.sequences = arguments.integer("--batch-size", 1, kMaxTokens).value_or(1);
  plan.tokens = arguments.integer("--tokens", 1, kMaxTokens).value_or(512);
  if (plan.tokens < plan.sequences)
    fail("--tokens: found ", plan.tokens, ", expected at least --batch-size, a token of each sequence");
  return plan;
}

void print_passes(const std::vector<PassReport>& reports) {
  std::cout << "\npasses\n";
  for (const PassReport& report : reports) {
    std::cout << "  " << std::left << std::setw(24) << report.pass->name << std::right << std::setw(5)
              << report.changes << " changes, " << std::setw(4) << report.nodes_before << " -> "
              << std::setw(4) << report.nodes_after << " nodes   " << report.pass->does << "\n";
  }
}

void print_nodes(const Graph& graph, bool full) {
  std::vector<std::string> lines;
  std::istringstream text(to_string(graph));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::cout << "\ngraph: " << graph.nodes.size() << " nodes, " << graph.weights.size() << " weights\n";
  if (full) {
    for (const std::string& line : lines) std::cout << "  " << line << "\n";
    return;
  }
  for (const Section& section : sections_of(graph)) {
    for (size_t n = section.begin; n < section.end; ++n) std::cout << "  " << lines[n] << "\n";
    if (section.alike > 1) {
      std::cout << "  … layers " << section.layer + 1 << " to " << section.layer + section.alike - 1
                << " do the same (--full shows them)\n";
    }
  }
}

/// The inputs of a step of the plan's size, whose contents do not matter.
std::vector<uint64_t> bytes_for(const Graph& graph, const GraphPlan& plan) {
  StepTensors step;
  const auto set = [&step](InputKind kind, const Shape& shape) {
    step.inputs.at(static_cast<size_t>(kind)) = ConstTensorView(nullptr, DType::kI32, shape);
  };
  set(InputKind::kTokenIds, {plan.tokens});
  set(InputKind::kPositions, {plan.tokens});
  set(InputKind::kSequences, {plan.tokens});
  set(InputKind::kBlockTable, {plan.sequences, 1});
  set(InputKind::kRopeFrequencies, {plan.sequences, plan.config.head_dim / 2});
  set(InputKind::kLogitRows, {plan.sequences});
  return bytes_of_values(graph, SymbolSizes(step));
}

void print_gears(const GraphPlan& plan) {
  std::cout << "decode steps are captured for gears of ";
  int64_t before = 0;
  for (int64_t sequences = 1; sequences <= plan.sequences; ++sequences) {
    const int64_t size = gear_size(sequences, plan.sequences);
    if (size != before) std::cout << (before == 0 ? "" : ", ") << size;
    before = size;
  }
  std::cout << (plan.sequences == 1 ? " sequence" : " sequences")
            << " when first used, and replayed; any other step is bound anew\n";
}

}  // namespace

const Command& graph_command() {
  static const Command kCommand = {
      .name = "graph",
      .summary = "Prints a model's graph as a mode runs it, what passes changed, and its memory plan.",
      .usage = "MODEL [options]",
      .groups = {{"Options",
                  {
                      {"--model-path", "PATH",
                       "the same as MODEL: a folder with a config.json, or a GGUF file"},
                      {"--mode", "MODE", "eager, reduce-overhead or max-autotune (max-autotune)"},
                      dtype_option(),
                      kv_cache_dtype_option(),
                      {"--tokens", "N", "tokens of the step that memory is planned for (512)"},
                      {"--batch-size", "N", "sequences in that step (1)"},
                      {"--full", "", "print every layer"},
                      {"--svg", "FILE", "draw the graph and the plan too"},
                  }},
                 {"Quantisation", quantize_options()}},
      .aliases = {{"--execute-mode", "--mode", ""}},
      .positional = "MODEL",
  };
  return kCommand;
}

int graph(const std::vector<std::string>& words) {
  const Arguments arguments(graph_command(), words);
  const GraphPlan plan = parse(arguments);
  Graph graph = record_model(plan.config, plan.precision);
  const std::string title = plan.folder.string() + ", " + std::string(name_of(plan.precision.weights)) +
                            (plan.precision.kv_cache == plan.precision.weights
                                 ? ""
                                 : ", " + std::string(name_of(plan.precision.kv_cache)) + " KV cache") +
                            ", " + plan.mode + ": a step of " + std::to_string(plan.tokens) + " tokens of " +
                            std::to_string(plan.sequences) +
                            (plan.sequences == 1 ? " sequence" : " sequences");
  std::cout << title << "\n";
  const bool compiled = plan.mode != "eager";
  if (compiled) print_passes(run_passes(graph));
  print_nodes(graph, arguments.is_on("--full"));
  const std::vector<uint64_t> bytes = bytes_for(graph, plan);
  const MemoryPlan memory = plan_memory(graph, bytes);
  std::cout << "\nintermediates: " << size_text(memory.unshared_bytes) << " in all, ";
  if (compiled) {
    std::cout << "planned into " << size_text(memory.bytes) << "\n";
    print_gears(plan);
  } else {
    std::cout << "each in a fresh buffer that is freed after its last reader\n";
  }
  if (const auto path = arguments.text("--svg")) {
    OutputFile file(*path);
    file.write(graph_svg(graph, memory, bytes, title));
    file.commit();
    std::cout << "drawn: " << *path << "\n";
  }
  std::cout.flush();
  if (!std::cout) fail("standard output: writing failed, expected it to stay open until the end");
  return 0;
}

}  // namespace caravan::cli
