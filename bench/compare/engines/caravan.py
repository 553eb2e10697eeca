"""Caravan, by its own command, so that what is compared is what a user runs.

It loads the model anew for each piece of work, but times steps only.
"""

import csv
import io
import os
import subprocess

# What each scheme rounds is bf16, and computes so where it does not compute in int8.
QUANTIZED = {scheme: ["--dtype", "bf16", "--quantize", scheme] for scheme in ("w8a8", "w8a16", "w4a8", "w4a16")}
BINARY = os.environ.get("CARAVAN", "build/release/bin/caravan")


class Worker:
    """Runs `caravan bench`, which warms up, once for each piece."""

    def __init__(self, args):
        self.command = [BINARY, "bench", "--model-path", args.model, "--threads", str(args.threads), "--repeat", "1", "--csv", "-",
                        *QUANTIZED.get(args.dtype, ["--dtype", args.dtype])]

    def run(self, tokens, steps):
        """Random prompts of the same shape; the command gives the median step."""
        shape = ["--batch-size", len(tokens), "--max-input-length", len(tokens[0]), "--max-output-length", max(steps, 1) + 1]
        run = subprocess.run(self.command + [str(word) for word in shape], capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr)
        row = next(csv.DictReader(io.StringIO(run.stdout)))
        return float(row["prefill_ms"]) / 1e3, [float(row["decode_median_ms"]) / 1e3] if steps else []
