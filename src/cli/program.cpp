#include "cli/program.h"

#include <csignal>
#include <iostream>
#include <new>

#include "base/error.h"
#include "base/version.h"
#include "cli/bench/command.h"
#include "cli/graph/command.h"
#include "cli/info.h"
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
    {info_command, info},
    {graph_command, graph},
    {tokenize_command, tokenize},
    {detokenize_command, detokenize},
};

std::string general_help() {
  std::string out =
      "caravan: runs LLaMA-family language models on this machine.\n\n"
      "usage: caravan COMMAND [options]\n\ncommands:\n";
  for (const Entry& entry : kCommands) {
    std::string line = "  " + std::string(entry.command().name);
    line.resize(14, ' ');
    out += line + std::string(entry.command().summary) + "\n";
  }
  return out +
         "\ncaravan COMMAND --help   the options of one command\n"
         "caravan --version        the version\n\n"
         "environment:\n"
         "  CARAVAN_ISA   portable, avx2, avx512 or avx512_bf16_vnni: kernels no higher than this level\n\n"
         "exit codes: 0 done; 2 something in the command line, a file or the input is wrong\n";
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
  for (const Entry& entry : kCommands) {
    const Command& command = entry.command();
    names.emplace_back(command.name);
    if (words[0] != command.name) continue;
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    for (const std::string& word : rest) {
      if (word != "--help" && word != "-h") continue;
      std::cout << help_of(command);
      return 0;
    }
    return entry.run(rest);
  }
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
