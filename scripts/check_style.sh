#!/usr/bin/env bash
# Checks formatting with clang-format and the code with clang-tidy; both must have nothing to say.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'fuzz/*.cpp' 'bench/*.cpp' |
  xargs clang-format --dry-run -Werror
scripts/build.sh release -DCARAVAN_BUILD_TESTS=ON
# Tests are left to the compiler's warnings: GoogleTest's macros set off a third of the checks.
# The static analyzer is left to `scripts/tidy.py build/release`: it takes an hour on two cores.
scripts/tidy.py --quick build/release
