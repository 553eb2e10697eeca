#include "cli/program.h"

#include <csignal>
#include <iostream>
#include <new>

#include "base/error.h"
#include "base/version.h"
#include "cli/bench/command.h"
#include "cli/eval/command.h"
#include "cli/graph/command.h"
#include "cli/info.h"
#include "cli/load/command.h"
#include "cli/quantize/command.h"
#include "cli/run.h"
#include "cli/serve.h"
#include "cli/tokenize.h"

namespace caravan::cli {
namespace {

struct Entry {
  const Command& (*command)();
  int (*run)(const std::vector<std::string>& words);
};

constexpr Entry kCommands[] = {
    {run_command, run},
    {serve_command, serve},
    {bench_command, bench},
    {load::load_command, load::bench_serve},
    {eval::eval_command, eval::eval},
    {quantize_command, quantize},
    {info_command, info},
    {graph_command, graph},
    {tokenize_command, tokenize},
    {detokenize_command, detokenize},
};

/// How many of the first `words` are the command's name, which may have several; 0 if they are not.
size_t words_of_name(const Command& command, const std::vector<std::string>& words) {
  std::string first;
  for (size_t count = 1; count <= words.size(); ++count) {
    first += (count == 1 ? "" : " ") + words[count - 1];
    if (first == command.name) return count;
    if (first.size() > command.name.size()) break;
  }
  return 0;
}

/// Two spaces beyond the longest name, "bench serve".
constexpr size_t kSummaryColumn = 15;

std::string general_help() {
  std::string out =
      "caravan: runs LLaMA-family language models on this machine.\n\n"
      "usage: caravan COMMAND [options]\n\ncommands:\n";
  for (const Entry& entry : kCommands) {
    std::string line = "  " + std::string(entry.command().name);
    line.resize(kSummaryColumn, ' ');
    out += line + std::string(entry.command().summary) + "\n";
  }
  return out +
         "\ncaravan COMMAND --help   the options of one command\n"
         "caravan --version        the version\n\n"
         "environment:\n"
         "  CARAVAN_ISA  portable, avx2, avx512, avx512_bf16_vnni or amx: kernels no higher than this "
         "level\n\n"
         "exit codes: 0 done; 2 something in the command line, a file or the input is wrong;\n"
         "130 quantize was stopped by a signal\n";
}

int run_command_line(const Entry& entry, const std::vector<std::string>& rest) {
  for (const std::string& word : rest) {
    if (word != "--help" && word != "-h") continue;
    std::cout << help_of(entry.command());
    return 0;
  }
  return entry.run(rest);
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    (words.empty() ? std::cerr : std::cout) << general_help();
    return words.empty() ? 2 : 0;
  }
  if (words[0] == "--version") {
    std::cout << "caravan " << kVersion << "\n";
    return 0;
  }
  std::vector<std::string> names;
  const Entry* found = nullptr;
  size_t named_by = 0;
  for (const Entry& entry : kCommands) {
    names.emplace_back(entry.command().name);
    const size_t count = words_of_name(entry.command(), words);
    // "bench serve" is more than "bench".
    if (count <= named_by) continue;
    found = &entry;
    named_by = count;
  }
  if (found != nullptr)
    return run_command_line(*found, {words.begin() + static_cast<std::ptrdiff_t>(named_by), words.end()});
  const std::optional<std::string> meant = nearest(words[0], names);
  fail("unknown command ", in_quotes(words[0]), meant ? ": did you mean " + *meant + "?" : "",
       " (see caravan --help)");
}

}  // namespace

int run_program(const std::vector<std::string>& words) {
  // A reader that goes away, and a file-size limit, then show as write errors, which get a sentence.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return dispatch(words);
  } catch (const Error& error) {
    std::cout.flush();
    std::cerr << "caravan: " << error.what() << "\n";
  } catch (const std::bad_alloc&) {
    std::cerr << "caravan: out of memory: this machine has too little for what was asked\n";
  }
  return 2;
}

}  // namespace caravan::cli
