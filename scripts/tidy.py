#!/usr/bin/env python3
"""Runs clang-tidy over the sources of src/, on every core: scripts/tidy.py [--quick] BUILD_FOLDER [FILE…]

--quick leaves out the static analyzer, which takes three times as long as all the other checks.

A file that was clean once is not read again while nothing that it is compiled from has changed: the hashes of what was clean
are kept in ~/.cache/caravan/tidy (or $XDG_CACHE_HOME). BUILD_FOLDER must have been built, because Ninja knows there which headers
a file includes. Exits with 1 if clang-tidy has anything to say.
"""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "caravan" / "tidy"
# GCC's commands are read, and it has warnings that clang does not know.
TIDY = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
QUICK = "--checks=-clang-analyzer-*"


def dependencies(build):
    """The files of the repository that each object file is made of, as Ninja recorded them."""
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found = {}
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if lines:
            paths = ((build / line.strip()).resolve() for line in lines[1:])
            found[lines[0].split(":")[0]] = sorted(path for path in paths if ROOT in path.parents)
    return found


def output_of(entry):
    """The object file that a compile command makes."""
    words = entry["command"].split()
    return words[words.index("-o") + 1]


def key_of(entry, files, options):
    """A hash of everything that decides what clang-tidy says of a file."""
    digest = hashlib.sha256(repr(options).encode())
    digest.update(entry["command"].replace(str(ROOT), "").encode())
    for path in [ROOT / ".clang-tidy", *files]:
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tidy(build, entry, files, options):
    """Whether the file is clean; prints what is not. `options` are clang-tidy's version and further arguments."""
    key = key_of(entry, files, options) if files else None
    if key and (CACHE / key).exists():
        return True
    run = subprocess.run([*TIDY, *options[1:], "-p", build, entry["file"]], capture_output=True, text=True)
    if run.returncode != 0 or run.stdout.strip():
        print(run.stdout or run.stderr, flush=True)
        return False
    if key:
        (CACHE / key).touch()
    return True


def main():
    """The command."""
    words = sys.argv[1:]
    quick = words[0] == "--quick"
    build, *names = words[quick:]
    build = Path(build).resolve()
    wanted = {Path(name).resolve() for name in names}
    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([*TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    options = [version, *([QUICK] if quick else [])]
    deps = dependencies(build)
    entries = [entry for entry in json.loads((build / "compile_commands.json").read_text())
               if (ROOT / "src" in Path(entry["file"]).parents if not wanted else Path(entry["file"]) in wanted)]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        clean = list(pool.map(lambda entry: tidy(build, entry, deps.get(output_of(entry), []), options), entries))
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
