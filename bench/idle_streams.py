"""What open streams cost: the memory of a server that holds many of them, over what it has at rest.

    python3 bench/idle_streams.py build/release/bin/caravan

All are open at the same time: some are generated, the others wait their turn, and the clients take what comes. The
KV cache is filled once before, so that its memory counts as the model's.
"""

import argparse
import asyncio
import json
import pathlib
import resource
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "soak"))
from server import Server  # noqa: E402
from wire import Connection, request  # noqa: E402

BATCH = 64
SETTLE_SECONDS = 10  # of which the highest value counts


def body_of(number):
    return json.dumps({"prompt": f"Once upon a time, child number {number} found a key.", "max_tokens": 480,
                       "ignore_eos": True, "temperature": 0, "stream": True}).encode()


async def stream(port, number, opened):
    """Opens a stream and takes what comes, to its end."""
    connection = await Connection.open(port)
    try:
        await connection.send(request("POST", "/v1/completions", body_of(number)))
        head = await connection.head()
        if head.status != 200:
            raise SystemExit(f"stream {number}: status {head.status}, expected 200")
        opened.append(number)
        async for _ in connection.pieces(head):
            pass
    finally:
        connection.close()


async def measure(server, streams):
    await asyncio.gather(*(stream(server.port, number, []) for number in range(BATCH)))
    await server.rest(None, 60)
    rest = server.figures()["resident"]
    opened, tasks = [], []
    for number in range(streams):
        tasks.append(asyncio.create_task(stream(server.port, number, opened)))
    while len(opened) < streams:
        await asyncio.sleep(0.05)
        for task in tasks:
            if task.done():
                task.result()
    most = 0
    for _ in range(SETTLE_SECONDS * 10):
        most = max(most, server.figures()["resident"])
        await asyncio.sleep(0.1)
    held = (await server.metrics())["caravan_open_streams"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    busy = await server.rest(None, 60)
    after = server.figures()["resident"]
    print(f"at rest {rest / 1e6:.1f} MB; {streams} streams opened, {held:.0f} of them still open at the end: at most "
          f"{most / 1e6:.1f} MB, so {(most - rest) / 1e6:.1f} MB over it; "
          f"after all have gone {after / 1e6:.1f} MB{', still busy' if busy else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the caravan program")
    parser.add_argument("--streams", type=int, default=2000)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.program, pathlib.Path(folder) / "log",
                        ["--batch-size", str(BATCH), "--max-waiting", str(arguments.streams), "--log-level", "warning"])
        try:
            asyncio.run(measure(server, arguments.streams))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
