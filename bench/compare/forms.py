"""Writes the checkpoint in the form that an engine reads.

    python forms.py safetensors models/configs/tinyllama-1.1b OUT     # the checkpoint itself
    python forms.py gguf CHECKPOINT OUT --dtype bf16                  # another form of it: gguf, ctranslate2 or onnx
"""

import argparse
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import checkpoint


def write_onnx(source, folder):
    """ONNX in fp32, the one float type of ONNX Runtime GenAI's CPU models, written by its own builder."""
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(source), "-o", str(folder)]
    code = subprocess.run([*builder, "-p", "fp32", "-e", "cpu", "-c", str(folder / "cache")]).returncode
    if code != 0:
        sys.exit(code)  # the builder has said why


def write(form, source, folder, dtype):
    """Writes `form` to `folder`, which is there only when it is complete."""
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    if form == "safetensors":
        checkpoint.make(source, unfinished)
    elif form == "onnx":
        write_onnx(source, unfinished)
    else:
        importlib.import_module(f"{form}_form").write(checkpoint.Weights(source), unfinished, dtype)
    unfinished.rename(folder)


def main():
    """Reads the command line and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=("safetensors", "gguf", "ctranslate2", "onnx"))
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("bf16", "fp16", "fp32"), default="bf16")
    args = parser.parse_args()
    write(args.form, args.source, args.folder, args.dtype)


if __name__ == "__main__":
    main()
