"""Writes the checkpoint in the form that an engine reads.

    python forms.py safetensors models/configs/tinyllama-1.1b OUT     # the checkpoint itself
    python forms.py gguf CHECKPOINT OUT --dtype bf16                  # or ctranslate2, onnx, openvino: other forms of it
"""

import argparse
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import checkpoint


def run(*command):
    """Runs an exporter, which says itself what is wrong."""
    code = subprocess.run(command).returncode
    if code != 0:
        sys.exit(code)


def write_onnx(source, folder, dtype):
    """ONNX in fp32, the one float type of ONNX Runtime GenAI's CPU models, or int4, written by its own builder."""
    run(sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", source, "-o", folder, "-p", dtype, "-e", "cpu",
        "-c", folder / "cache")


def write_openvino(source, folder, dtype):
    """OpenVINO's graph, traced by optimum; weights of 16 bits are stored as fp16, whatever it computes in."""
    stored = "fp16" if dtype == "bf16" else dtype
    run(Path(sys.executable).with_name("optimum-cli"), "export", "openvino", "-m", source, "--library", "transformers",
        "--task", "text-generation-with-past", "--weight-format", stored, folder)


EXPORTERS = {"onnx": write_onnx, "openvino": write_openvino}


def write(form, source, folder, dtype):
    """Writes `form` to `folder`, which is there only when it is complete."""
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    if form == "safetensors":
        checkpoint.make(source, unfinished)
    elif form in EXPORTERS:
        EXPORTERS[form](source, unfinished, dtype)
    else:
        importlib.import_module(f"{form}_form").write(checkpoint.Weights(source), unfinished, dtype)
    unfinished.rename(folder)


def main():
    """Reads the command line and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=("safetensors", "gguf", "ctranslate2", *EXPORTERS))
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="bf16", help="as the engine names it: bf16, q8_0, int4")
    args = parser.parse_args()
    write(args.form, args.source, args.folder, args.dtype)


if __name__ == "__main__":
    main()
