// The program: finds the command, runs it, and turns what a user got wrong into one sentence and exit code 2.
// Thread safety: one thread, once.
#pragma once

#include <string>
#include <vector>

namespace caravan::cli {

/// Runs the command line that follows the program's name. Returns the exit code: 0, or 2 after one sentence
/// on standard error.
int run_program(const std::vector<std::string>& words);

}  // namespace caravan::cli
