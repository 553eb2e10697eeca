#!/usr/bin/env bash
# Fails if a library that was compiled for one ISA level defines anything that another file could be linked to, its
# table of kernels aside: such a copy could run on a CPU without the level. check_symbols.sh LIBRARY
set -euo pipefail
# Sanitizers add symbols of their own, which begin with two underscores.
found=$(nm -C --defined-only --extern-only "$1" | grep -E '^[0-9a-f]+ [A-Zuv] ' |
  grep -vE ' [DR] caravan::cpu::kAvx(2|512)Kernels$| [A-Zuv] __' || true)
[ -z "$found" ] || { echo "$1 defines more than its table:"; echo "$found"; exit 1; }
