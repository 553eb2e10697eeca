#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs every test. Arguments go to ctest: ./test.sh -R Tokenizer
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"

scripts/install.sh test
scripts/build.sh release -DCARAVAN_BUILD_TESTS=ON
exec ctest --preset release -j "$(nproc)" "$@"
