#!/usr/bin/env bash
# Unpacks the arm64 libraries that the aarch64 preset links into build/aarch64_sysroot. They cannot be installed beside
# this machine's own: two of their -dev packages exclude each other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sysroot=$PWD/build/aarch64_sysroot
[ -e "$sysroot/complete" ] && exit 0
packages=(libsentencepiece-dev libsentencepiece0 libprotobuf-lite32 zlib1g libpcre2-dev libpcre2-8-0 libutf8proc-dev
  libutf8proc2 libssl-dev libssl3)
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
if ! dpkg --print-foreign-architectures | grep -qx arm64; then
  "${as_root[@]}" dpkg --add-architecture arm64
  "${as_root[@]}" apt-get update -qq
fi
mkdir -p "$sysroot/packages"
cd "$sysroot/packages"
apt-get download -qq "${packages[@]/%/:arm64}" >/dev/null
for package in *.deb; do dpkg-deb -x "$package" "$sysroot"; done
touch "$sysroot/complete"
