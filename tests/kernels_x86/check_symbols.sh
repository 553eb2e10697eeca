#!/usr/bin/env bash
# Fails if a library that was compiled for one ISA level defines anything that another file could be linked to, its
# table of kernels aside: such a copy could run on a CPU without the level. check_symbols.sh LIBRARY
set -euo pipefail
# Fails here too where nm does, or where there is no symbol at all: a library that holds nothing proves nothing.
symbols=$(nm -C --defined-only --extern-only "$1" | grep -E '^[0-9a-f]+ [A-Za-z] ')
more=$(grep -vE ' [DR] caravan::cpu::kA(vx2|vx512|vx512Bf16Vnni|mx)Kernels$' <<<"$symbols" || true)
[ -z "$more" ] || { echo "$1 defines more than its table:"; echo "$more"; exit 1; }
