// The program run inside a test: its words in, its exit code and what it wrote out.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/program.h"

namespace caravan::test {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

inline Outcome caravan_program(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = cli::run_program(words);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace caravan::test
