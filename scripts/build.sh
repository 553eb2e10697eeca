#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh PRESET [TARGET…] [-DNAME=VALUE…]
# What the tools say goes to build/PRESET.log, and to the terminal only if they fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=$1
shift
targets=()
settings=()
for argument in "$@"; do
  case "$argument" in
    -D*) settings+=("$argument") ;;
    *) targets+=("$argument") ;;
  esac
done
mkdir -p build
log="build/$preset.log"
: >"$log"

fail() {
  grep -E 'error|FAILED' "$log" | head -n 20 >&2 || true
  echo "caravan: $1 failed; all that was said is in $PWD/$log" >&2
  exit 1
}

cmake --preset "$preset" "${settings[@]}" >>"$log" 2>&1 || fail "configuring the $preset preset"
[ -t 2 ] || echo "caravan: building the $preset preset (the first time takes minutes)" >&2
build=(cmake --build --preset "$preset" -j "$(nproc)")
[ ${#targets[@]} -gt 0 ] && build+=(--target "${targets[@]}")
if [ -t 2 ]; then
  "${build[@]}" 2>&1 | tee -a "$log" |
    while read -r line; do case "$line" in \[*/*\]*) printf '\rcaravan: building %s ' "${line%%]*}]" >&2 ;; esac; done
  status=${PIPESTATUS[0]}
  printf '\r\033[K' >&2
  [ "$status" -eq 0 ] || fail "building the $preset preset"
else
  "${build[@]}" >>"$log" 2>&1 || fail "building the $preset preset"
fi
