#!/usr/bin/env bash
# Tests the server with real clients from PyPI: tests/clients/run.sh BUILD_DIR [pytest's arguments]
# BUILD_DIR: where bin/caravan is, such as build/release. The packages of requirements.txt (1 GB) go to build/clients-venv,
# once; with 77, which ctest counts as skipped, where they cannot be installed. The tests of Prometheus skip without it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
shift
work=$here/../../build/clients
venv=$here/../../build/clients-venv
mkdir -p "$work"

skip() {
  echo "skipped: the clients are tested with packages from PyPI, and $1" >&2
  exit 77
}

command -v python3 >/dev/null || skip "this machine has no python3; scripts/install.sh clients installs it"
# One at a time: presets share the packages.
exec 9>"$work/lock"
flock 9
wanted=$(cat "$here/requirements.txt" "$here/constraints.txt" | sha256sum)
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv" >"$work/pip.log" 2>&1 ||
    skip "python3 makes no virtual environment here; scripts/install.sh clients installs what it lacks"
  echo "caravan: installing the clients into build/clients-venv (about two minutes, the first time only)" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 15 -r "$here/requirements.txt" \
    -c "$here/constraints.txt" >>"$work/pip.log" 2>&1 ||
    skip "pip cannot install them here: $(tail -n 1 "$work/pip.log")"
  echo "$wanted" >"$venv/installed"
fi

export CARAVAN_BUILD=$build CARAVAN_CLIENTS_WORK=$work
# Each of these would look for a network, or take every CPU from the server.
export DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 TOKENIZERS_PARALLELISM=false OPENBLAS_NUM_THREADS=1
# A proxy is for other machines.
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" -m pytest -q -ra --tb=short --rootdir "$here" -c "$here/pytest.ini" -p no:cacheprovider "${@:-$here}"
