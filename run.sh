#!/usr/bin/env bash
# Installs what is missing, builds, and runs `caravan run`, or `caravan bench` or `caravan serve` where the first argument
# is bench or serve; all arguments are passed on. Without --model-path it is the demo model that runs, and without a prompt
# it tells a story.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$root/scripts/install.sh" run
"$root/scripts/build.sh" release caravan -DCARAVAN_BUILD_TESTS=OFF

command=run
case "${1:-}" in
  bench | serve)
    command=$1
    shift
    ;;
esac
arguments=("$@")
has() { local flag; for flag in "${arguments[@]+"${arguments[@]}"}"; do [[ "${flag//_/-}" == $1 || "${flag//_/-}" == $1=* ]] && return 0; done; return 1; }
if ! has --model-path && ! has --help && ! has -h; then
  arguments+=(--model-path "$root/models/demo")
  if [ "$command" = run ] && ! has --prompt && ! has --input-text && ! has --input-file && ! has --input-ids && ! has --chat; then
    arguments+=(--prompt "Once upon a time")
  fi
fi
exec "$root/build/release/bin/caravan" "$command" "${arguments[@]+"${arguments[@]}"}"
