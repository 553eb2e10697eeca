#!/usr/bin/env bash
# Builds llama.cpp's own server from the source distribution of llama-cpp-python that requirements.txt names, with this CPU's
# instructions and without network libraries: bench/compare/build_llama_server.sh [JOBS]
# Prints the path of the program. Needs .venv-compare (compare.py makes it), CMake and a C++ compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

jobs=${1:-$(nproc)}
work=$PWD/build/compare
package=$(grep '^llama-cpp-python==' bench/compare/requirements.txt)
source="$work/llama_cpp_python-${package#*==}"
build="$work/llama.cpp"
log="$work/llama_server.log"
mkdir -p "$work"
: >"$log"

fail() {
  tail -n 20 "$log" >&2
  echo "build_llama_server: $1 failed; all that was said is in $log" >&2
  exit 1
}

if [ ! -d "$source" ]; then
  .venv-compare/bin/python -m pip download --no-deps --no-binary llama-cpp-python --dest "$work" "$package" >>"$log" 2>&1 || fail "the download"
  tar -xzf "$source.tar.gz" -C "$work"
fi
cmake -S "$source/vendor/llama.cpp" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF >>"$log" 2>&1 || fail "configuring"
cmake --build "$build" -j "$jobs" --target llama-server llama-bench >>"$log" 2>&1 || fail "building"
echo "$build/bin/llama-server"
