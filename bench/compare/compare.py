#!/usr/bin/env python3
"""Caravan beside its peers: the same random checkpoint, the same work, the same threads, in turn.

    python3 bench/compare/compare.py

makes .venv-compare with the peers, a checkpoint in build/compare, and writes comparison.md and comparison.svg there.
bench/compare/README.md says what is measured and how.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import install
import plot
import table
from engines import ENGINES, FLOATS, QUANTIZED
from processes import EngineError, Process


def numbers(text):
    """A list such as 1,4,16."""
    return [int(part) for part in text.split(",")]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=install.ROOT / "models/configs/tinyllama-1.1b",
                        help="folder with the config.json whose shape is compared")
    parser.add_argument("--engines", default=",".join(ENGINES), help="of " + ",".join(ENGINES))
    parser.add_argument("--dtype", choices=FLOATS + QUANTIZED, default="bf16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--prefill", type=int, default=512, help="tokens of the prompt that is prefilled")
    parser.add_argument("--prefill-batch", type=int, default=1, help="so many such prompts at once")
    parser.add_argument("--decode", type=numbers, default=[1, 4, 16], help="numbers of sequences that are decoded")
    parser.add_argument("--context", type=int, default=64, help="tokens of each sequence before its first step")
    parser.add_argument("--steps", type=int, default=16, help="decode steps of a piece of work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reload", action="store_true",
                        help="hold one model in memory at a time: an engine loads for its turn of each round")
    parser.add_argument("--python-with-torch", type=Path, help="an interpreter whose torch to use")
    parser.add_argument("--work", type=Path, default=install.ROOT / "build/compare", help="where models are made")
    parser.add_argument("--out", type=Path, help="report and plot without their suffix (comparison, in --work)")
    args = parser.parse_args()
    args.engines = args.engines.split(",")
    unknown = [name for name in args.engines if name not in ENGINES]
    if unknown:
        parser.error(f"--engines: found {unknown[0]}, expected one of {', '.join(ENGINES)}")
    return args


def pieces_of(args):
    """The pieces of work: one prefill, and decode steps of each number of sequences."""
    prefill = {"batch": args.prefill_batch, "prompt": args.prefill, "steps": 0}
    return [prefill] + [{"batch": batch, "prompt": args.context, "steps": args.steps} for batch in args.decode]


def run_python(log, *words):
    """Runs a script of this folder in the environment; its output goes to `log`."""
    command = [install.PYTHON, *words]
    if subprocess.run(command, cwd=install.HERE, stdout=log, stderr=log).returncode != 0:
        raise EngineError(f"its form of the checkpoint could not be written: {last_error(log)}")


def last_error(log):
    """The last line of a log that looks like an exception."""
    lines = Path(log.name).read_text(errors="replace").splitlines()
    errors = [line for line in lines if re.match(r"\w*(\.\w+)*(Error|Exception)\b", line)]
    return (errors or lines or ["no reason given"])[-1]


def model_for(name, args, log):
    """The folder with the checkpoint in the form and dtype of an engine, made if it is not there."""
    engine, shape = ENGINES[name], args.config.resolve().name
    checkpoint = args.work.resolve() / shape / "safetensors"
    if not checkpoint.exists():
        run_python(log, "forms.py", "safetensors", args.config.resolve(), checkpoint)
    if engine.form == "safetensors":
        return checkpoint
    dtype = engine.dtypes[args.dtype]
    folder = checkpoint.with_name(f"{engine.form}-{dtype}")
    if not folder.exists():
        run_python(log, "forms.py", engine.form, checkpoint, folder, "--dtype", dtype)
    return folder


class Run:
    """The engines of one comparison, and what they measured."""

    def __init__(self, args):
        self.args, self.pieces = args, pieces_of(args)
        self.vocabulary = table.config_of(args)["vocab_size"]
        self.processes, self.reasons, self.rounds = {}, {}, 0
        self.times = {name: [[] for _ in self.pieces] for name in args.engines}
        self.logs = {name: (args.work / f"{name}.log").open("w") for name in args.engines}

    def live(self):
        """The engines that have not failed."""
        return [name for name in self.args.engines if name not in self.reasons]

    def start(self, name):
        """Loads an engine and warms it up with the smallest piece of its work."""
        args = self.args
        options = {"threads": args.threads, "max-batch": max(args.decode + [args.prefill_batch]), "dtype": ENGINES[name].dtypes[args.dtype],
                   "max-tokens": max(args.prefill, args.context) + args.steps + 1, "vocabulary": self.vocabulary}
        self.processes[name] = Process(name, model_for(name, args, self.logs[name]), options, self.logs[name])
        self.processes[name].ask({"batch": 1, "prompt": args.context, "steps": 2})

    def measure(self, name, index):
        """One piece of work of one engine; an engine that fails drops out with its reason."""
        try:
            if name not in self.processes:
                self.start(name)
            answer = self.processes[name].ask(self.pieces[index])
        except EngineError as error:
            self.reasons[name] = str(error)
            self.stop(name)
            return
        self.times[name][index].append(table.milliseconds(answer))

    def stop(self, name):
        """Ends an engine's process, if there is one."""
        if name in self.processes:
            self.processes.pop(name).close()

    def round(self, number):
        """Every piece of every engine, each piece by all engines in turn; another engine begins each round."""
        begin = number % len(self.args.engines)
        order = self.args.engines[begin:] + self.args.engines[:begin]
        self.rounds += 1
        if self.args.reload:
            for name in order:
                for index in range(len(self.pieces)):
                    if name in self.live():
                        self.measure(name, index)
                self.stop(name)
            return
        for index in range(len(self.pieces)):
            for name in order:
                if name in self.live():
                    self.measure(name, index)


def write(run, command):
    """Writes the table and the plot, and returns the table."""
    out = run.args.out or run.args.work / "comparison"
    rows = table.rows(run)
    text = table.markdown(run, rows, command, out.name + ".svg")
    out.with_name(out.name + ".md").write_text(text)
    out.with_name(out.name + ".svg").write_text(plot.draw(rows, [ENGINES[name].name for name in run.args.engines if run.times[name][0]]))
    return text


def main():
    """Installs, measures and writes."""
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    wanted = {"numpy"}.union(*(ENGINES[name].packages for name in args.engines))
    missing = install.install(args.python_with_torch, wanted)
    run = Run(args)
    for name in args.engines:
        lacking = [missing[package] for package in ENGINES[name].packages if package in missing]
        if lacking:
            run.reasons[name] = lacking[0]
        elif args.dtype not in ENGINES[name].dtypes:
            run.reasons[name] = f"it has nothing like {args.dtype} on a CPU"
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}: {', '.join(run.live())}", file=sys.stderr)
        run.round(number)
        text = write(run, shlex.join(["python3", *sys.argv]))  # after each round, so that a run that is stopped leaves a result
    for name in args.engines:
        run.stop(name)
    print(text)


if __name__ == "__main__":
    main()
