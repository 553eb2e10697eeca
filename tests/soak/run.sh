#!/usr/bin/env bash
# Soaks a program: tests/soak/run.sh PROGRAM [the flags of soak.py]
# Needs Debian's python3 and nothing else; exits with 77, which ctest counts as skipped, without it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if ! python3 -c 'import asyncio; asyncio.timeout' 2>/dev/null; then
  echo "skipped: the soak's clients are written in Python, and this machine has no python3 of version 3.11 or later"
  exit 77
fi
exec python3 "$here/soak.py" "$@"
