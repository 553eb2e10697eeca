"""The worker processes: starting one, asking it for a piece of work, and ending it."""

import json
import subprocess
from pathlib import Path

import install

HERE = Path(__file__).resolve().parent


class EngineError(Exception):
    """What an engine said when it failed."""


class Process:
    """A worker of one engine, loaded and ready."""

    def __init__(self, engine, model, options, log):
        words = [word for option, value in options.items() for word in (f"--{option}", str(value))]
        self.child = subprocess.Popen([install.PYTHON, HERE / "worker.py", engine, model, *words], cwd=install.ROOT, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.read()

    def read(self):
        """The next answer."""
        line = self.child.stdout.readline()
        if not line:
            raise EngineError(f"its process ended with code {self.child.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def ask(self, piece):
        """The times of one piece of work."""
        try:
            print(json.dumps(piece), file=self.child.stdin, flush=True)
        except BrokenPipeError as error:
            raise EngineError("its process is gone") from error
        return self.read()

    def close(self):
        """Ends the worker, which ends when it has nothing more to read."""
        self.child.stdin.close()
        self.child.wait()
