#!/usr/bin/env bash
# Tests the web page in headless Chromium: tests/page/run.sh [FOLDER for the screenshots, build/page if none is given]
# or, against a caravan that serves the demo model: tests/page/run.sh --server PROGRAM
# Needs Debian's chromium and python3 and nothing else; exits with 77, which ctest counts as skipped, without them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

for program in python3 chromium; do
  if ! command -v "$program" >/dev/null; then
    echo "skipped: the page is tested in Chromium, and this machine has no $program; scripts/install.sh page installs it"
    exit 77
  fi
done
if [ "${1:-}" = --server ]; then exec python3 "$here/server_test.py" "$2" "$here/../../models/demo"; fi
exec python3 "$here/page_test.py" "${1:-$here/../../build/page}"
