"""What a step of the server costs besides the model: scheduling, sampling and messages, and HTTP beside it.

    python3 bench/step_host.py build/release/bin/caravan --model-path models/demo --streams 1,16,64

starts a server for each number of streams and loads it by `caravan bench serve`. What follows -- goes to `caravan serve`.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

START_SECONDS = 300


def start(arguments, streams, log):
    """The server, and its URL once it is ready."""
    command = [arguments.program, "serve", "--model-path", arguments.model_path, "--port", "0", "--batch-size", str(streams),
               "--log-level", "warning", *arguments.rest]
    server = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT)
    deadline = time.monotonic() + START_SECONDS
    while "caravan: ready:" not in log.read_text():
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit(f"the server did not start; it said:\n{log.read_text()}")
        time.sleep(0.05)
    return server, re.search(r"listening on (\S+?),", log.read_text()).group(1)


def measure(arguments, streams, log):
    """One line of the table."""
    server, url = start(arguments, streams, log)
    try:
        load = [arguments.program, "bench", "serve", "--url", url, "--requests", str(arguments.rounds * streams), "--concurrency",
                str(streams), "--input-length", "64", "--output-length", str(arguments.output), "--json", "-"]
        figures = json.loads(subprocess.run(load, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
        with urllib.request.urlopen(url + "/metrics-json") as answer:
            counts = json.load(answer)["caravan"]
    finally:
        server.kill()
        server.wait()
    mean = {name: 1e6 * counts[name]["sum"] / counts[name]["count"] for name in ("step", "step_host", "step_network")}
    latency = figures["itl_ms"]
    return (f"| {streams} | {counts['step']['count']} | {mean['step'] / 1e3:.2f} | {mean['step_host']:.0f} | {mean['step_network']:.0f} | "
            f"{latency['p50']:.2f} | {latency['p99']:.2f} | {figures['output_tokens_per_second']:.0f} |")


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the caravan program")
    parser.add_argument("--model-path", default="models/demo")
    parser.add_argument("--streams", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=4, help="requests of each stream")
    parser.add_argument("--output", type=int, default=192, help="tokens of each request")
    own, _, rest = " ".join(sys.argv[1:]).partition(" -- ")
    arguments = parser.parse_args(own.split())
    arguments.rest = rest.split()
    print("| streams | steps | step, ms | besides the model, µs | network's CPU time, µs | ITL p50, ms | p99, ms | tokens/s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for streams in arguments.streams:
            print(measure(arguments, streams, pathlib.Path(folder) / "log"), flush=True)


if __name__ == "__main__":
    main()
