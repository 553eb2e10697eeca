#!/usr/bin/env python3
"""Caravan's server beside llama.cpp's: the same random checkpoint, the same load, the same threads, in turn.

    python3 bench/compare/serve.py

needs what compare.py and build_llama_server.sh have made; writes serving.md to build/compare. Both servers are loaded while a
piece of work is measured, and the one that is not asked sleeps. `caravan bench serve` makes the load for both.
"""

import argparse
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import install
import table

HOST = "127.0.0.1"
LOADING_SECONDS = 600  # the longest that a server may take to be ready
BESIDE_SECONDS = 3  # after a load has begun, another one begins beside it: by then all of its streams decode
CARAVAN_PROGRAM = Path(os.environ.get("CARAVAN", install.ROOT / "build/release/bin/caravan"))


@dataclass
class Load:
    """One run of `caravan bench serve`; lengths are in tokens."""

    prompt: int
    output: int
    requests: int
    options: list[str] = field(default_factory=list)

    def command(self, url, seed, report, vocabulary):
        """The command line; the report goes to `report` as JSON."""
        return [CARAVAN_PROGRAM, "bench", "serve", "--url", url, "--vocab-size", vocabulary, "--input-length", self.prompt,
                "--output-length", self.output, "--requests", self.requests, "--seed", seed, "--json", report, *self.options]


class Server:
    """A server as a process of its own, with room for `streams` sequences of `context` tokens."""

    def __init__(self, name, args, streams, context):
        self.name, self.port = name, free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.log = (args.work / f"{name.replace(' ', '-')}.log").open("w")
        command = [str(word) for word in COMMANDS[name](args, self.port, streams, context)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.wait()

    def wait(self):
        """Returns when the model is loaded."""
        end = time.monotonic() + LOADING_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + READY[self.name], timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        sys.exit(f"{self.name} did not start; see {self.log.name}")

    def metrics(self):
        """Caravan's own counts."""
        with urllib.request.urlopen(self.url + "/metrics-json", timeout=30) as answer:
            return json.load(answer)

    def stop(self):
        """Ends the process."""
        self.process.terminate()
        self.process.wait()


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def caravan_command(args, port, streams, context):
    """Caravan, with its defaults but for what is compared."""
    return [CARAVAN_PROGRAM, "serve", "--model-path", args.work / args.shape / "safetensors", "--port", port, "--threads", args.threads,
            "--batch-size", streams, "--max-sequence-length", context, "--max-memory-gb", args.memory]


def llama_cpp_command(args, port, streams, context):
    """llama.cpp's server; its context is divided among its slots."""
    return [args.work / "llama.cpp/bin/llama-server", "-m", args.work / args.shape / f"gguf-{args.dtype}" / "model.gguf", "--host", HOST,
            "--port", port, "-t", args.threads, "-tb", args.threads, "-np", streams, "-c", streams * context, "--cont-batching"]


COMMANDS = {"Caravan": caravan_command, "llama.cpp": llama_cpp_command}
READY = {"Caravan": "/ready", "llama.cpp": "/health"}


def run(load, server, seed, args, beside=None):
    """The figures of one load; `beside` is another one that comes while it goes on."""
    report = args.work / "load.json"
    command = [str(word) for word in load.command(server.url, seed, report, args.vocabulary)]
    measured = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if beside is not None:
        time.sleep(BESIDE_SECONDS)
        other = beside.command(server.url, seed + 1000, args.work / "beside.json", args.vocabulary)
        background = subprocess.Popen([str(word) for word in other], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, errors = measured.communicate()
    if beside is not None:
        background.terminate()
        background.wait()
    if measured.returncode != 0:
        sys.exit(f"{shlex.join(command)}: {errors}")
    figures = json.loads(report.read_text())
    if figures["done"] != figures["requests"] or figures["other_lengths"]:
        sys.exit(f"{server.name}: {figures['done']} of {figures['requests']} requests were done: {figures['failures']}")
    return figures


def offline(streams, args):
    """Tokens per second of the same work by `caravan bench`: all prompts together, then all steps."""
    command = [CARAVAN_PROGRAM, "bench", "--model-path", args.work / args.shape / "safetensors", "--threads", args.threads, "--batch-size",
               streams, "--max-input-length", args.prompt, "--max-output-length", args.output, "--repeat", 1, "--json", "-"]
    answer = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    row = json.loads(answer.stdout)["results"][0]
    return streams * args.output * 1e3 / (row["prefill_ms"] + (args.output - 1) * row["decode_mean_ms"])


def streams_work(streams, args, lines):
    """So many streams at once: tokens per second of each server, and of the same work offline."""
    servers = [Server(name, args, streams, args.prompt + args.output + 16) for name in args.engines]
    load = Load(args.prompt, args.output, streams)
    speeds, first, between = ({server.name: [] for server in servers} for _ in range(3))
    offline_speeds = []
    for number in range(args.rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            figures = run(load, server, args.seed + number, args)
            speeds[server.name].append(figures["output_tokens_per_second"])
            first[server.name].append(figures["ttft_ms"]["p50"])
            between[server.name].append(figures["itl_ms"]["p50"])
            say(f"{streams} streams, {server.name}: {speeds[server.name][-1]:.1f} tokens/s")
        if not args.no_offline:
            offline_speeds.append(offline(streams, args))
            say(f"{streams} streams offline: {offline_speeds[-1]:.1f} tokens/s")
    for server in servers:
        lines.append(row(f"{streams} streams, tokens/s", server.name, speeds[server.name]))
        lines.append(row(f"{streams} streams, time to first token, p50, ms", server.name, first[server.name]))
        lines.append(row(f"{streams} streams, inter-token latency, p50, ms", server.name, between[server.name]))
    if offline_speeds:
        lines.append(row(f"{streams} streams' work, tokens/s", "Caravan offline", offline_speeds))
    report_host(servers, f"{streams} streams", lines)
    stop(servers)


def mixed_work(args, lines):
    """Decoding streams, alone and while long prompts arrive: their inter-token latency."""
    servers = [Server(name, args, args.decoding + 4, args.long_prompt + 256) for name in args.engines]
    decoding = Load(64, 192, args.decoding)
    prompts = Load(args.long_prompt, 1, args.long_prompts, ["--concurrency", "1"])
    for number in range(args.rounds):
        for server in servers:
            for beside in (None, prompts):
                server_figures = run(decoding, server, args.seed + 100 + number, args, beside)
                what = "beside long prompts" if beside else "alone"
                record = args.latencies.setdefault((server.name, what), {"p50": [], "p99": []})
                for quantile, values in record.items():
                    values.append(server_figures["itl_ms"][quantile])
                say(f"{args.decoding} streams {what}, {server.name}: p50 {record['p50'][-1]:.1f} ms, p99 {record['p99'][-1]:.1f} ms")
    for (name, what), record in args.latencies.items():
        for quantile, values in record.items():
            lines.append(row(f"{args.decoding} streams {what}, inter-token latency, {quantile}, ms", name, values))
    stop(servers)


def prefix_work(args, lines):
    """The time to the first token of a prompt that is new, and of one that was there before."""
    servers = [Server(name, args, 4, 1024 + 64) for name in args.engines]
    load = Load(1024, 1, 1)
    for server in servers:
        times = {"new": [], "seen": []}
        for number in range(3 * args.rounds):
            for what in times:
                times[what].append(run(load, server, args.seed + 200 + number, args)["ttft_ms"]["p50"])
        for what, values in times.items():
            lines.append(row(f"time to first token, a {what} prompt of 1,024 tokens, ms", server.name, values))
    stop(servers)


def report_host(servers, work, lines):
    """Caravan's time for a step besides the model, and the CPU time of its network's thread for it."""
    names = {"step_host": "time of a step besides the model", "step_network": "CPU time for HTTP beside a step"}
    for server in servers:
        if server.name != "Caravan":
            continue
        figures = server.metrics()["caravan"]
        for key, name in names.items():
            mean = 1e6 * figures[key]["sum"] / figures[key]["count"]
            lines.append(f"| {work}, {name}, mean, µs | Caravan | {mean:.1f} | |")


def row(work, name, values):
    """A line of the table: the median, and all values."""
    return f"| {work} | {name} | {statistics.median(values):.4g} | {', '.join(f'{value:.4g}' for value in values)} |"


def say(text):
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def stop(servers):
    """Ends them all."""
    for server in servers:
        server.stop()


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="tinyllama-1.1b", help="the folder in --work that compare.py made")
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(COMMANDS))
    parser.add_argument("--works", default="streams,mixed,prefix")
    parser.add_argument("--streams", type=lambda text: [int(part) for part in text.split(",")], default=[16, 64])
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--output", type=int, default=128)
    parser.add_argument("--long-prompt", type=int, default=1024)
    parser.add_argument("--long-prompts", type=int, default=4, help="of them, one after the other, while the streams decode")
    parser.add_argument("--decoding", type=int, default=4, help="streams that decode while long prompts arrive")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--memory", type=float, default=6, help="GB that Caravan may use")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-offline", action="store_true")
    parser.add_argument("--work", type=Path, default=install.ROOT / "build/compare")
    args = parser.parse_args()
    args.latencies = {}
    config = json.loads((args.work / args.shape / "safetensors/config.json").read_text())
    args.vocabulary = config["vocab_size"]
    return args


def main():
    """Measures and writes."""
    args = arguments()
    works = args.works.split(",")
    lines = ["| work | server | median | rounds |", "|---|---|---|---|"]
    if "prefix" in works:
        prefix_work(args, lines)
    if "mixed" in works:
        mixed_work(args, lines)
    if "streams" in works:
        for streams in args.streams:
            streams_work(streams, args, lines)
    command = shlex.join(["python3", *sys.argv])
    text = "\n".join([*lines, "", f"Machine: {table.machine()}. Command: `{command}`", ""])
    (args.work / "serving.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
