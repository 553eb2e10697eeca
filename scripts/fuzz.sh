#!/usr/bin/env bash
# Runs each fuzzer from its seed corpus for a while, under ASan and UBSan: scripts/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
scripts/build.sh fuzz
fuzz() {
  local name=$1
  local found=build/fuzz/found/$name/
  mkdir -p "$found" "build/fuzz/corpus/$name"
  # What is found is kept under build/; the committed corpus is only read. A hundred times the longest real input's
  # time is a hang.
  if ! "build/fuzz/fuzz/caravan_${name}_fuzzer" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$found" "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
    tail -n 40 "build/fuzz/$name.log" >&2
    echo "caravan: the $name fuzzer found an input; it is in $found" >&2
    exit 255 # xargs starts no more
  fi
  echo "$name: $(grep -E 'stat::number_of_executed_units' "build/fuzz/$name.log")" >&2
}
export -f fuzz
export seconds

names=(safetensors config tokenizer template dialects grammar http load openai gguf eval quantized)
echo "caravan: fuzzing the parsers of ${names[*]}, $seconds seconds each" >&2
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I NAME bash -euo pipefail -c 'fuzz NAME'
