"""Clients, good and bad. Each does one thing to the server and raises Fault where the server does what it must not."""

import asyncio
import json
import os

from wire import Broken, Connection, ask, request

# Far more than any answer takes: what hangs is found, what is slow is not punished.
PATIENCE = 900
SHOWN = 400  # characters of an answer


class Fault(Exception):
    pass


def compare(case, streamed, found):
    if found != case.answer:
        how = "streamed" if streamed else "whole"
        raise Fault(f"wrong answer: {case.name}, {how}: found {str(found)[:SHOWN]}, alone {str(case.answer)[:SHOWN]}: "
                    f"{json.dumps(case.body)}")


async def ask_case(connection, case, streamed, fields=()):
    """The case's answer over a connection that is open."""
    path, body = case.request(streamed)
    await connection.send(request("POST", path, body, fields))
    reply = await connection.reply()
    if reply.status != 200:
        raise Fault(f"status {reply.status}: {case.name}: {reply.body[:400]!r}: {json.dumps(case.body)}")
    return case.answer_of(reply.body, streamed)


def streams(random, case):
    return case.stream is not None and random.random() < 0.6


async def good(port, cases, random):
    """One to three requests over one connection."""
    connection = await Connection.open(port)
    try:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            case = random.choice(cases)
            streamed = streams(random, case)
            compare(case, streamed, await ask_case(connection, case, streamed))
    finally:
        connection.close()


async def slow(port, cases, random):
    """Reads a few bytes now and then, to the end, or until it has had enough."""
    case = random.choice([case for case in cases if case.stream])
    connection = await Connection.open(port, receive_buffer=2048, read_size=random.choice((101, 401, 997)), pause=0.02)
    try:
        async with asyncio.timeout(random.choice((2, PATIENCE))):
            compare(case, True, await ask_case(connection, case, True))
    except TimeoutError:
        return
    finally:
        connection.close()


async def stuck(port, cases, random):
    """Asks for much and reads nothing for a while, then not at all."""
    body = {"prompt": "Once upon a time", "max_tokens": 120, "n": 4, "logprobs": 5, "temperature": 1, "seed": 1,
            "stream": True, "ignore_eos": True}
    connection = await Connection.open(port, receive_buffer=2048)
    try:
        await connection.send(request("POST", "/v1/completions", json.dumps(body).encode()))
        await asyncio.sleep(random.uniform(0.1, 3))
    finally:
        connection.reset() if random.random() < 0.5 else connection.close()


async def vanish(port, cases, random):
    """Leaves before the answer, in the middle of it, or in the middle of its own request."""
    case = random.choice(cases)
    streamed = case.stream is not None
    path, body = case.request(streamed)
    text = request("POST", path, body)
    connection = await Connection.open(port)
    try:
        where = random.choice(("before", "middle", "request"))
        if where == "request":
            await connection.send(text[:random.randrange(1, len(text))])
            await asyncio.sleep(random.choice((0, 0.05, 0.5)))
            return
        await connection.send(text)
        if where == "before":
            await asyncio.sleep(random.choice((0, 0.001, 0.01, 0.1)))
            return
        head = await connection.head()
        left = random.randrange(1, 10)
        async for _ in connection.pieces(head):
            left -= 1
            if left == 0:
                return
    finally:
        connection.reset() if random.random() < 0.5 else connection.close()


async def silent(port, cases, random):
    """Connects and says nothing, or an empty line."""
    connection = await Connection.open(port)
    try:
        if random.random() < 0.3:
            await connection.send(b"\r\n")
        await asyncio.sleep(random.uniform(0.1, 3))
    finally:
        connection.close()


WRONG = (
    ("/v1/completions", b'{"prompt": ', {400}),
    ("/v1/completions", b'{"prompt": "x", "temperature": "hot"}', {400}),
    ("/v1/completions", b'{"prompt": 7, "max_tokens": {}}', {400}),
    ("/v1/completions", b'{"prompt": "x", "n": 100000}', {400}),
    ("/v1/completions", b'{"prompt": [[1, 2, 999999]]}', {400}),
    ("/v1/completions", b'{"prompt": "x", "guided_regex": "("}', {400}),
    ("/v1/completions", b"[" * 100000, {400}),
    ("/v1/completions", b'{"prompt": "' + b"a " * 30000 + b'"}', {400}),
    ("/v1/chat/completions", b'{"messages": [{"role": 1}]}', {400}),
    ("/v1/chat/completions", b'{"messages": "hello"}', {400}),
    ("/v1/chat/completions", b'\xff\xfe{"messages": []}', {400}),
    ("/v1/embeddings", b'{"input": {}}', {400}),
    ("/generate", b'{"inputs": 5}', {422}),
    ("/generate", b"null", {422, 400}),
    ("/generate_stream", b'{"inputs": "x", "parameters": {"top_p": 9}}', {422}),
    ("/generate", b'{"prompt": "x", "best_of": -1}', {400, 422}),
    ("/infer", b'{"inputs": "x", "parameters": {"timeout": 0}}', {400, 422}),
    ("/v2/models/demo/generate", b'{"text_input": []}', {400}),
    ("/v2/models/demo/infer", b'{"inputs": [{"name": "a", "shape": [-1], "datatype": "BYTES", "data": [1]}]}', {400}),
    ("/v2/models/other/generate", b'{"text_input": "x"}', {400, 404}),
    ("/v2/models/demo/stopInfer", b'{"id": "nobody"}', {404}),
    ("/nowhere", b"{}", {404}),
)


async def wrong(port, cases, random):
    """What must be refused in a sentence."""
    path, body, expected = random.choice(WRONG)
    reply = await ask(port, "POST", path, body)
    if reply.status not in expected:
        raise Fault(f"{path} with {body[:80]!r}: status {reply.status}, expected {expected}: {reply.body[:200]!r}")
    if b"error" not in reply.body and b"not found" not in reply.body:
        raise Fault(f"{path} with {body[:80]!r}: refused without a reason: {reply.body[:200]!r}")


async def oversized(port, cases, random):
    """A body or header over the limits, or bytes that are no HTTP at all."""
    text, expected = random.choice((
        (request("POST", "/v1/completions", b'{"prompt": "' + b"a" * 1_500_000 + b'"}'), 413),
        (b"POST /v1/completions HTTP/1.1\r\nHost: soak\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: soak\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"POST /v1/completions HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (os.urandom(64) + b"\r\n\r\n", 400),
    ))
    connection = await Connection.open(port)
    try:
        await connection.send(text)
        head = await connection.head()
        if head.status != expected:
            raise Fault(f"{text[:60]!r}: status {head.status}, expected {expected}")
    finally:
        connection.close()


async def onlooker(port, cases, random):
    path = random.choice(("/", "/metrics", "/metrics-json", "/v1/models", "/health", "/info", "/openapi.json",
                          "/v2/health/ready", "/v1/status"))
    reply = await ask(port, "GET", path)
    if reply.status != 200:
        raise Fault(f"{path}: status {reply.status}: {reply.body[:200]!r}")


async def cancelled(port, cases, random):
    """Starts a stream by one connection and ends it by another."""
    name = f"soak-{random.randrange(10**9)}"
    body = {"id": name, "text_input": "Once upon a time", "parameters": {"max_tokens": 400, "ignore_eos": True}}
    connection = await Connection.open(port)
    try:
        await connection.send(request("POST", "/v2/models/demo/generate_stream", json.dumps(body).encode()))
        head = await connection.head()
        await asyncio.sleep(random.choice((0, 0.05, 0.2)))
        stop = await ask(port, "POST", "/v2/models/demo/stopInfer", json.dumps({"id": name}).encode())
        if stop.status not in (200, 404):
            raise Fault(f"stopInfer: status {stop.status}: {stop.body[:200]!r}")
        async for _ in connection.pieces(head):
            pass
    finally:
        connection.close()


# How often each comes, in parts.
MIX = ((good, 60), (slow, 8), (stuck, 3), (vanish, 14), (silent, 3), (wrong, 10), (oversized, 4), (onlooker, 6),
       (cancelled, 3))


async def one(port, cases, random):
    """Any of them; its name."""
    kind = random.choices([kind for kind, _ in MIX], [parts for _, parts in MIX])[0]
    try:
        async with asyncio.timeout(PATIENCE):
            await kind(port, cases, random)
    except TimeoutError:
        raise Fault(f"a client of the kind {kind.__name__} waited {PATIENCE} s") from None
    except (Broken, ConnectionError) as error:
        raise Fault(f"a client of the kind {kind.__name__}: {type(error).__name__}: {error}") from None
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Fault(f"a client of the kind {kind.__name__} cannot read the answer: {error!r}") from None
    return kind.__name__
