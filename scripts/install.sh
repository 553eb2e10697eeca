#!/usr/bin/env bash
# Installs the Debian packages that are missing: scripts/install.sh run|test|page|clients|ci
# run: to build and run; test: to build and run the tests too; page: to test the web page in Chromium too (some 400 MB);
# clients: to test the server with clients from PyPI and with Prometheus too (some 350 MB, and 1 GB from PyPI later);
# ci: everything that .ci/run uses.
set -euo pipefail

packages=(g++ cmake ninja-build pkg-config nlohmann-json3-dev libsentencepiece-dev libpcre2-dev libutf8proc-dev
  libboost-dev libssl-dev)
case "${1:-run}" in
  run) ;;
  test) packages+=(libgtest-dev libgmock-dev python3) ;;
  page) packages=(chromium python3 fonts-noto-cjk) ;;
  clients) packages=(python3 python3-venv prometheus) ;;
  ci)
    packages+=(ccache libgtest-dev libgmock-dev libbenchmark-dev python3 clang clang-tidy clang-format libclang-rt-14-dev git
      g++-aarch64-linux-gnu qemu-user googletest)
    ;;
  *) echo "install.sh: found \"$1\", expected run, test, page, clients or ci" >&2; exit 2 ;;
esac

installed() { dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -qx 'install ok installed'; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "caravan: this machine has no apt-get; install by hand: ${missing[*]}" >&2
  exit 2
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "caravan: installing ${missing[*]} needs root or sudo, and this user has neither" >&2
    exit 2
  fi
  as_root=(sudo)
fi

echo "caravan: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1 </dev/null; then
  tail -n 5 "$log" >&2
  echo "caravan: apt-get could not install ${missing[*]}; its last lines are above" >&2
  exit 2
fi
rm -f "$log"
