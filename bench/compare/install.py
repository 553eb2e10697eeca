"""The virtual environment of the comparison, and what could not be installed in it.

Each package is installed on its own, so that one that fails leaves the others; its reason goes into the table.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / ".venv-compare"
PYTHON = FOLDER / "bin" / "python"
# Built here, for this CPU. Without a cache: pip keeps one wheel whatever the flags were.
BUILT_HERE = {"llama-cpp-python": ["--no-cache-dir", "--no-binary", "llama-cpp-python"]}
FLAGS = {"CMAKE_ARGS": "-DGGML_NATIVE=ON"}


def requirements():
    """Package and version of each line of requirements.txt."""
    return dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split())


def versions():
    """The versions of the requirements that the environment has."""
    code = ("import sys, importlib.metadata as m\nfor name in sys.argv[1:]:\n"
            "    try: print(name, m.version(name))\n    except m.PackageNotFoundError: pass")
    run = subprocess.run([PYTHON, "-c", code, *requirements()], capture_output=True, text=True, check=True)
    return dict(line.split() for line in run.stdout.splitlines())


def pip(package, version):
    """Installs one package; returns why it could not be, or None."""
    command = [PYTHON, "-m", "pip", "install", *BUILT_HERE.get(package, []), f"{package}=={version}"]
    run = subprocess.run(command, env=os.environ | FLAGS, capture_output=True, text=True)
    if run.returncode == 0:
        return None
    errors = [line for line in run.stderr.splitlines() if line.lower().startswith("error")]
    return f"pip could not install {package} {version}: {(errors or ['no reason given'])[-1]}"


def packages_of(python):
    """The folder in which an interpreter keeps its packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def borrow(python):
    """Lets the environment see the packages of another one where it has none of its own."""
    (Path(packages_of(PYTHON)) / "borrowed.pth").write_text(packages_of(python) + "\n")


def install(python_with_torch, wanted):
    """Makes the environment with the packages `wanted`; returns why packages are missing, by package."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    if python_with_torch:
        borrow(python_with_torch)
    present, missing = versions(), {}
    for package, version in requirements().items():
        borrowed = python_with_torch and package == "torch" and package in present
        if package not in wanted or borrowed or present.get(package) == version:
            continue
        print(f"installing {package} {version}", file=sys.stderr)
        reason = pip(package, version)
        if reason:
            missing[package] = reason
    return missing
