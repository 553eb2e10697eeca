#!/usr/bin/env bash
# Checks formatting with clang-format and the code with clang-tidy; both must have nothing to say.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'fuzz/*.cpp' 'bench/*.cpp' |
  xargs clang-format --dry-run -Werror
cmake --preset release -DCARAVAN_BUILD_TESTS=ON >/dev/null
# clang-tidy reads the commands of GCC, which has warnings that clang does not know. Tests are left to the compiler's warnings: GoogleTest's macros set off a third of the checks.
git ls-files 'src/*.cpp' | xargs -P "$(nproc)" -n 4 clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option 2>/dev/null
