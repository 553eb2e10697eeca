"""One engine in a process of its own: loads the model once, then does one piece of work for each line that it reads.

A request is {"batch": B, "prompt": N, "steps": S}: prefill B sequences of N random tokens, then S decode steps of all B. The
answer is {"prefill_ms": X, "step_ms": [S times]}, or {"error": WHY}. The first line out says that the model is loaded.
"""

import argparse
import importlib
import json
import os
import random
import sys


def answer(worker, piece, vocabulary):
    """Does one piece of work on tokens that depend on its shape only."""
    generator = random.Random(piece["batch"] * piece["prompt"])
    tokens = [[generator.randrange(3, vocabulary) for _ in range(piece["prompt"])] for _ in range(piece["batch"])]
    prefill, steps = worker.run(tokens, piece["steps"])
    return {"prefill_ms": prefill * 1e3, "step_ms": [step * 1e3 for step in steps]}


def reason(error):
    """The last line of what an engine says, which is where most say what was wrong."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"


def main():
    """Serves requests until the input ends. What engines print goes to standard error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("model")
    for option in ("--threads", "--max-batch", "--max-tokens", "--vocabulary"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument("--dtype", required=True)
    args = parser.parse_args()
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        module = importlib.import_module(f"engines.{args.engine}")
        worker = module.Worker(args)
        print(json.dumps({"loaded": True}), file=out)
        for line in sys.stdin:
            print(json.dumps(answer(worker, json.loads(line), args.vocabulary)), file=out)
    except Exception as error:  # whatever a peer throws is the reason that the table gives
        print(json.dumps({"error": reason(error)}), file=out)
        raise


if __name__ == "__main__":
    main()
