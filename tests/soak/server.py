"""A `caravan serve` of its own, and what the system knows of its process."""

import asyncio
import os
import pathlib
import re
import signal
import subprocess
import time

from wire import ask

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "demo"
START_SECONDS = 300  # a debug build under a sanitizer on a busy machine
PLAIN_LINES = ("caravan: listening on", "caravan: ready:", "  curl ", "    -d ")


class Server:
    def __init__(self, program, log, flags):
        self.log = pathlib.Path(log)
        with self.log.open("w") as out:
            command = [program, "serve", "--model-path", str(MODEL), "--port", "0", "--autotune", "off", *flags]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        deadline = time.monotonic() + START_SECONDS
        while "caravan: ready:" not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise SystemExit(f"the server did not start; it said:\n{self.text()}")
            time.sleep(0.05)
        self.port = int(re.search(r"listening on http://127.0.0.1:(\d+)", self.text()).group(1))

    def text(self):
        return self.log.read_text(errors="replace")

    def unexpected_lines(self):
        """What it said beside its greeting; a sanitizer's report would be here."""
        return [line for line in self.text().splitlines() if line and not line.startswith(PLAIN_LINES)]

    async def metrics(self):
        """By name and labels, and by name alone the last of them."""
        reply = await ask(self.port, "GET", "/metrics")
        samples = {}
        for line in reply.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = samples[name.split("{")[0]] = float(value)
        return samples

    def figures(self):
        """Descriptors, threads and resident bytes, as the system counts them."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        number = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE).group(1))
        descriptors = len(os.listdir(f"/proc/{self.pid}/fd"))
        return {"descriptors": descriptors, "threads": number("Threads"), "resident": number("VmRSS") * 1024}

    async def rest(self, descriptors, seconds):
        """Waits until nothing runs, waits, streams or is held; what is still there where that takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            now = await self.metrics()
            busy = {name: now[name] for name in ("vllm:num_requests_running", "vllm:num_requests_waiting",
                                                 "caravan_kv_blocks_used", "caravan_open_streams") if now[name]}
            open_now = self.figures()["descriptors"]
            if descriptors is not None and open_now > descriptors:
                busy["descriptors"] = f"{open_now}, at the start {descriptors}"
            if not busy or time.monotonic() > deadline:
                return busy
            await asyncio.sleep(0.1)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self, seconds):
        """Its exit code, or None where it has not ended by then."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return self.process.poll()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


