"""HTTP/1.1 over a bare socket, so that a client can be as slow, as rude and as brief as a test wants it."""

import asyncio
import socket
import struct


class Broken(Exception):
    """The connection ended before what was expected of it had come."""


class Head:
    def __init__(self, text):
        lines = text.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.strip().lower()] = value.strip()


class Reply:
    def __init__(self, head, body):
        self.status, self.fields, self.body = head.status, head.fields, body


class Connection:
    """One connection; `read_size` bytes at a time, `pause` seconds before each read."""

    def __init__(self, sock, read_size, pause):
        self.sock, self.read_size, self.pause = sock, read_size, pause
        self.unread = b""

    @classmethod
    async def open(cls, port, receive_buffer=0, read_size=65536, pause=0.0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return cls(sock, read_size, pause)

    async def send(self, data):
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def _receive(self):
        if self.pause:
            await asyncio.sleep(self.pause)
        data = await asyncio.get_running_loop().sock_recv(self.sock, self.read_size)
        if not data:
            raise Broken("the server closed the connection")
        self.unread += data

    async def until(self, mark):
        while mark not in self.unread:
            await self._receive()
        found, self.unread = self.unread.split(mark, 1)
        return found

    async def exactly(self, size):
        while len(self.unread) < size:
            await self._receive()
        found, self.unread = self.unread[:size], self.unread[size:]
        return found

    async def head(self):
        head = Head(await self.until(b"\r\n\r\n"))
        # 100 Continue and its like come before the answer.
        return head if head.status >= 200 else await self.head()

    async def pieces(self, head):
        """The body as it comes: each chunk of a stream, or all of it."""
        if head.fields.get("transfer-encoding") == "chunked":
            while size := int(await self.until(b"\r\n"), 16):
                yield await self.exactly(size)
                await self.exactly(2)
            await self.exactly(2)
        elif size := int(head.fields.get("content-length", 0)):
            yield await self.exactly(size)

    async def reply(self):
        head = await self.head()
        return Reply(head, b"".join([piece async for piece in self.pieces(head)]))

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with a reset, as a client that crashes does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def request(method, path, body=b"", fields=()):
    lines = [f"{method} {path} HTTP/1.1", "Host: soak", *fields]
    if body or method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def ask(port, method, path, body=b"", fields=()):
    connection = await Connection.open(port)
    try:
        await connection.send(request(method, path, body, fields))
        return await connection.reply()
    finally:
        connection.close()
