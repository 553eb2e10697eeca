"""`caravan serve` as a user runs it: started, waited for, and ended by SIGTERM."""

import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "models" / "demo"
PROGRAM = pathlib.Path(os.environ["CARAVAN_BUILD"]) / "bin" / "caravan"
# Where logs, caches and results go.
WORK = pathlib.Path(os.environ["CARAVAN_CLIENTS_WORK"])
# Nothing is wrong with a busy machine.
PATIENCE_SECONDS = 300
STOP_SECONDS = 120


# Of Linux's prctl(): a signal for this process when its parent ends.
SIGNAL_AT_PARENTS_END = 1


def end_with_parent():
    """Run in a child before its program: ctest's time-out kills pytest, and nothing it started may stay behind."""
    ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_END, signal.SIGKILL)


class CaravanServer:
    def __init__(self, name, *arguments, model=DEMO):
        self.log = WORK / f"{name}.log"
        command = [PROGRAM, "serve", "--model-path", model, "--port", "0", "--log-level", "info", *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)
        self.url = self._wait()

    def _wait(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            ready = re.search(r"^caravan: ready: .* on (http://\S+) ", self.log.read_text(), re.MULTILINE)
            if ready:
                return ready[1]
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"caravan serve did not start: {self.log.read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        assert status == 0, f"caravan serve exits with {status} after SIGTERM: {self.log.read_text()}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_SECONDS) as reply:
            return reply.read().decode()

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            return json.load(reply)

    def metric(self, name):
        """The value of a metric with no labels but the model's."""
        return float(re.search(rf"^{re.escape(name)}\{{[^}}]*\}} (\S+)$", self.get("/metrics"), re.MULTILINE)[1])

    def wait_for_metric(self, name, value):
        end = time.monotonic() + PATIENCE_SECONDS
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} is {self.metric(name)}, expected {value}"
            time.sleep(0.05)
