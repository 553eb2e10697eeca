"""The soak: a server under mixed load from good and bad clients, then at rest, then stopped under load.

    python3 tests/soak/soak.py build/release/bin/caravan --minutes 30

What must hold: every answer is the one that the same request got alone; nothing is a 5xx but 503 while the server
stops; at rest, blocks, descriptors and threads are as at the start, and memory as after the warm-up; SIGTERM lets
what runs finish, and the exit code is 0.
"""

import argparse
import asyncio
import collections
import pathlib
import random
import re
import sys
import tempfile
import time

import clients
from cases import make_cases
from server import Server
from wire import Broken, Connection, request

BATCH = 16
# One sequence of the demo's 512 tokens needs 32; sixteen that grow to some 150 want three times as many.
BLOCKS = 44
BLOCK_TOKENS = 16
DRAIN_SECONDS = 120
REST_SECONDS = 180
# At rest the allocator keeps what load has freed: so much more than after the warm-up is still no leak.
GROWTH_BYTES = 24 << 20
MOST_FAULTS = 10
MOST_EXTRA_LOADS = 60
FAULT_LENGTH = 1500


class Soak:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, pathlib.Path(folder)
        self.random = random.Random(arguments.seed)
        self.cases = make_cases(self.random, arguments.cases)
        self.faults, self.done = [], collections.Counter()
        self.started = self.said = time.monotonic()

    def fault(self, text):
        self.faults.append(text)
        print(f"soak: FAULT: {text[:FAULT_LENGTH]}", file=sys.stderr, flush=True)

    def say(self, text, always=True):
        if not always and time.monotonic() - self.said < (1 if sys.stderr.isatty() else 30):
            return
        self.said = time.monotonic()
        end = "\n" if always or not sys.stderr.isatty() else "\r"
        print(f"soak: {self.said - self.started:5.0f} s: {text}", end=end, file=sys.stderr, flush=True)

    async def learn(self):
        """Each case alone, on a server without prefix cache; how much memory the small one is to have."""
        server = Server(self.arguments.program, self.folder / "alone.log",
                        ["--prefix-cache", "off", "--batch-size", "4", "--threads", "1", "--log-level", "info"])
        try:
            for case in self.cases:
                for streamed in (False, True) if case.stream else (False,):
                    connection = await Connection.open(server.port)
                    answer = await clients.ask_case(connection, case, streamed)
                    connection.close()
                    if case.answer is None:
                        case.answer = answer
                    clients.compare(case, streamed, answer)
            cache = re.search(r"= ([\d.e-]+) GB in \w+, beside ([\d.e-]+) GB of weights", server.text())
            blocks = int(re.search(r"KV cache: (\d+) blocks", server.text()).group(1))
            server.terminate()
            if await server.exit_code(60) != 0:
                self.fault(f"an idle server ended with {server.process.poll()} on SIGTERM")
        finally:
            server.kill()
        # Half a block more, so that rounding takes none away.
        return float(cache.group(2)) + float(cache.group(1)) / blocks * (BLOCKS + 0.5)

    async def load(self, server, seconds):
        """So many seconds of load from `workers` clients; returns when the last of them has gone."""
        end = time.monotonic() + seconds

        async def work(number):
            choose = random.Random(self.random.random())
            while time.monotonic() < end and len(self.faults) < MOST_FAULTS:
                try:
                    self.done[await clients.one(server.port, self.cases, choose)] += 1
                except clients.Fault as fault:
                    self.fault(str(fault))

        async def watch():
            while server.process.poll() is None:
                await asyncio.sleep(0.5)
                figures = server.figures()
                self.say(f"{sum(self.done.values())} clients, {figures['resident'] / 1e6:.0f} MB, "
                         f"{figures['descriptors']} descriptors, {len(self.faults)} faults", always=False)

        watcher = asyncio.create_task(watch())
        await asyncio.gather(*(work(number) for number in range(self.arguments.workers)))
        watcher.cancel()
        if server.process.poll() is not None:
            raise SystemExit(f"soak: the server ended with {server.process.poll()} under load; it said:\n"
                             + server.text()[-10000:])

    async def at_rest(self, server, start, descriptors):
        busy = await server.rest(descriptors, REST_SECONDS)
        # The connection that asked is closed by then, too.
        await asyncio.sleep(0.5)
        if busy:
            self.fault(f"at rest there is still {busy}")
        figures = server.figures()
        if start is not None and figures["threads"] != start["threads"]:
            self.fault(f"{figures['threads']} threads at rest, at the start {start['threads']}")
        self.say(f"at rest: {figures['resident'] / 1e6:.1f} MB, {figures['descriptors']} descriptors, "
                 f"{figures['threads']} threads, {sum(self.done.values())} clients so far")
        return figures

    async def press(self, server):
        """Goes on until the load has been what it claims to be: a slow machine may need longer."""
        for _ in range(MOST_EXTRA_LOADS):
            metrics = await server.metrics()
            lacking = [name for name in ("vllm:num_preemptions_total", "vllm:prefix_cache_hits_total")
                       if metrics[name] == 0]
            # What goes through a full cache several times over has put others out.
            if metrics["caravan_prompt_tokens_computed_total"] < 4 * BLOCKS * BLOCK_TOKENS:
                lacking.append("caravan_prompt_tokens_computed_total")
            if not lacking or self.faults:
                return
            await self.load(server, 5)
        self.fault(f"the load was too light: {lacking} say so")

    async def check_metrics(self, server):
        metrics = await server.metrics()
        if metrics["caravan_kv_blocks"] != BLOCKS:
            self.fault(f"the server has {metrics['caravan_kv_blocks']} blocks, expected {BLOCKS}")
        # Those, too, whose clients had left.
        for name, count in metrics.items():
            if name.startswith('caravan_http_responses_total{code="5'):
                self.fault(f"{name} is {count}, expected none")

    async def stop_under_load(self, server):
        """SIGTERM while streams run: those that had begun go on to the right end, what is new is refused."""
        finished, refused = collections.Counter(), collections.Counter()
        streaming = [case for case in self.cases if case.stream]
        begun = asyncio.Semaphore(0)

        async def running(case, slow):
            connection = await (Connection.open(server.port, 2048, 401, 0.02) if slow else Connection.open(server.port))
            path, body = case.request(True)
            await connection.send(request("POST", path, body))
            try:
                head = await connection.head()
                begun.release()
                found = case.answer_of(b"".join([piece async for piece in connection.pieces(head)]), True)
                clients.compare(case, True, found)
                finished["right"] += 1
            except clients.Fault as fault:
                self.fault(f"while stopping: {fault}")
            except (Broken, ConnectionError, ValueError, IndexError) as error:
                self.fault(f"while stopping, a stream that had begun was cut off: {case.name}: {error!r}")
            finally:
                connection.close()

        async def late():
            while server.process.poll() is None:
                try:
                    reply = await clients.ask(server.port, "POST", "/v1/completions", b'{"prompt": "late"}')
                    refused[reply.status] += 1
                    if reply.status != 503:
                        self.fault(f"a request that came while stopping got {reply.status}, expected 503")
                except (Broken, ConnectionError) as error:
                    refused[type(error).__name__] += 1
                await asyncio.sleep(0.02)

        tasks = [asyncio.create_task(running(self.random.choice(streaming), i % 4 == 0)) for i in range(3 * BATCH)]
        for _ in tasks:
            await begun.acquire()
        server.terminate()
        await asyncio.sleep(0.1)
        tasks.append(asyncio.create_task(late()))
        code = await server.exit_code(DRAIN_SECONDS + 60)
        server.kill()
        await asyncio.gather(*tasks)
        if code != 0:
            self.fault(f"exit code {code} after SIGTERM under load, expected 0")
        if sum(finished.values()) == 0:
            self.fault("no stream was under way when SIGTERM came")
        self.say(f"stopped under load: {dict(finished)} of {3 * BATCH} streams, late requests: {dict(refused)}")

    async def run(self):
        gigabytes = await self.learn()
        self.say(f"{len(self.cases)} requests asked alone")
        server = Server(self.arguments.program, self.folder / "soak.log", [
            "--batch-size", str(BATCH), "--max-memory-gb", f"{gigabytes:.9f}", "--max-batch-tokens", "64",
            "--threads", str(self.arguments.threads), "--max-body-mb", "1", "--drain-seconds", str(DRAIN_SECONDS), "--log-level", "warning"])
        try:
            start = await self.at_rest(server, None, None)
            seconds = self.arguments.minutes * 60
            # In five parts, a rest after each; the first warms up.
            warm = None
            for _ in range(5):
                await self.load(server, seconds / 5)
                figures = await self.at_rest(server, start, start["descriptors"])
                warm = warm or figures
            if self.arguments.check_memory and figures["resident"] > warm["resident"] + GROWTH_BYTES:
                self.fault(f"{figures['resident']} bytes at rest, after the warm-up {warm['resident']}")
            await self.press(server)
            await self.check_metrics(server)
            await self.stop_under_load(server)
            if lines := server.unexpected_lines():
                self.fault("the server said: " + "\n".join(lines[:50]))
        finally:
            server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the caravan program")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=60, help="different requests")
    parser.add_argument("--workers", type=int, default=40, help="clients at a time")
    parser.add_argument("--threads", type=int, default=1,
                        help="of the server (default 1: threads that wait for each other starve on a busy machine)")
    parser.add_argument("--no-memory-bound", dest="check_memory", action="store_false",
                        help="for programs under a sanitizer, which keeps what is freed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(arguments, folder)
        asyncio.run(soak.run())
    print(f"soak: {dict(soak.done)}, {len(soak.faults)} faults, seed {arguments.seed}")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
