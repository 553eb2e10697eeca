"""A stand-in for `caravan serve`: it answers web/ with the real headers, scripted streams, and figures that move."""

import http.server
import json
import math
import pathlib
import re
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

ANSWER = """## Continuous batching

Sequences **join and leave** between steps, so no slot stands idle *while* others finish. See `EngineOptions`
or [the paper](https://www.usenix.org/conference/osdi22/presentation/yu).

1. Admit what waits
2. Step the model once
   - prefill: many tokens of one prompt
   - decode: one token of each sequence
3. Hand out the tokens

| Sequences | Tokens/s | Step |
|:--|--:|--:|
| 1 | 21 | 47 ms |
| 16 | 221 | 72 ms |

> A batch may hold both kinds of step.

```cpp
// One step over everything that runs.
void Engine::run(int64_t budget) {
  for (auto& sequence : running_) {
    const auto text = "step " + std::to_string(42);
    sequence.advance(text);
  }
}
```

That is all it takes."""

CHINESE_ANSWER = """## 连续批处理

序列可以在**两步之间**随时加入或离开，因此不会有空闲的位置。

1. 接纳等待中的请求
2. 模型前进一步：`prefill` 与 `decode` 可以同批
3. 把新的 token 交还给各个请求

| 序列数 | token/秒 |
|:--|--:|
| 1 | 21 |
| 16 | 221 |

> 全量是 prefill，增量是 decode。"""

HOSTILE = """<script>window.hacked = 1</script> <img src=x onerror="window.hacked = 2">

# <b onmouseover="window.hacked = 3">title</b>

[click](javascript:window.hacked=4) [data](data:text/html,<script>window.hacked=5</script>) ![pixel](http://198.51.100.7/pixel.png)

[relative](/v1/models) [good](https://example.org/?q="><script>window.hacked=6</script>)

| <iframe src="javascript:parent.hacked=7"></iframe> | b |
|---|---|
| <svg onload="window.hacked=8"> | `<script>` |

```html"><script>window.hacked=9</script>
</code></pre><script>window.hacked = 10</script>
```

<a href="javascript:window.hacked=11">x</a> <style>body{display:none}</style>"""


def policy():
    """The Content-Security-Policy of src/serve/page/page.h, so that the tests hold under it."""
    header = (ROOT / "src/serve/page/page.h").read_text()
    value = re.search(r"kContentSecurityPolicy =((?:\s*\"[^\"]*\")+)", header).group(1)
    return "".join(re.findall(r"\"([^\"]*)\"", value))


class FakeServer(http.server.ThreadingHTTPServer):
    """What tests may set: `key`, `has_template`, `failure` (status, message), `cut`,
    `pace` (of its clock). What they may read: `asked`, `gone`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.start = time.time()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.reset()

    def reset(self):
        self.key = None
        self.has_template = True
        self.failure = None
        self.cut = False
        self.pace = 1
        self.asked = []
        self.gone = threading.Event()

    def figures(self):
        now = 3700 + (time.time() - self.start) * self.pace
        running = round(9 + 4 * math.sin(now / 17) + 2 * math.sin(now / 5))
        steps = now * 20
        return {
            "model": "demo", "version": "0.1.0", "time": now, "uptime": now,
            "requests": {"running": running, "waiting": max(0, running - 11), "finished": {}},
            "kv": {"block_tokens": 16, "total_blocks": 1024, "used_blocks": running * 48, "cached_blocks": 210,
                   "usage": running * 48 / 1024},
            "prefix_cache": {"query_tokens": 10000, "hit_tokens": 6400},
            "tokens": {"prompt": 0, "prompt_cached": 0, "prompt_computed": 0,
                       "generated": int(now * 220 + 1000 * math.sin(now / 17))},
            "preemptions": 0,
            "ttft": {"count": int(now * 2), "sum": now * 2 * 0.18 + 1.1 * math.sin(now / 9)},
            "tpot": {"count": int(now * 2), "sum": now}, "inter_token": {"count": steps, "sum": steps * 0.047 + 0.9 * math.sin(now / 6)},
            "queue": {"count": 0, "sum": 0}, "step": {"count": steps, "sum": now}, "step_host": {"count": 0, "sum": 0},
            "guided_mask": {"count": 0, "sum": 0},
            "server": {"connections": 30, "open_streams": running, "resident_bytes": 1.42e9, "cpu_seconds": 1}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def whole(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy())
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def json(self, status, value):
        self.whole(status, "application/json", json.dumps(value).encode())

    def refused(self):
        """Whether the request lacks the key; it is answered then."""
        if self.server.key is None or self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return False
        self.json(401, {"error": {"message": "Give an API key.", "type": "invalid_request_error", "code": "invalid_api_key"}})
        return True

    def do_GET(self):
        path = "/index.html" if self.path == "/" else self.path
        file = ROOT / "web" / path[1:]
        if re.fullmatch(r"/[a-z_-]+\.[a-z]+", path) and file.suffix in TYPES and file.is_file():
            self.whole(200, TYPES[file.suffix], file.read_bytes())
        elif self.refused():
            pass
        elif path == "/v1/models":
            self.json(200, {"object": "list", "data": [{"id": "llama-3.2-1b-instruct", "object": "model"}]})
        elif path == "/metrics-json":
            self.json(200, {"resultType": "vector", "result": [], "caravan": self.server.figures()})
        else:
            self.json(404, {"error": {"message": "There is no such path."}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        if self.refused():
            return
        chat = self.path == "/v1/chat/completions"
        if chat and not self.server.has_template:
            self.json(400, {"error": {"message": '"messages" need a chat template, which the model "demo" does not have: POST /v1/completions takes plain text', "type": "invalid_request_error"}})
        elif self.server.failure:
            self.json(self.server.failure[0], {"error": {"message": self.server.failure[1]}})
        else:
            self.stream(chat, body["messages"][-1]["content"] if chat else body["prompt"])

    def stream(self, chat, asked):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        endless = "endless" in asked
        answer = "word " * 5000 if endless else HOSTILE if "hostile" in asked else ANSWER if "batching" in asked else \
            CHINESE_ANSWER if "批处理" in asked else f"You said: {asked} 🐫"
        # Cut without regard to characters' bytes or to lines: the page must put the pieces together.
        pieces = [answer[i:i + 7] for i in range(0, len(answer), 7)]
        try:
            for piece in pieces:
                choice = {"delta": {"content": piece}} if chat else {"text": piece}
                self.event({"choices": [{"index": 0, "finish_reason": None, **choice}]})
                time.sleep(0.05 if endless else 0.01)
            if self.server.cut:
                return
            self.event({"choices": [{"index": 0, "finish_reason": "stop", **({"delta": {}} if chat else {"text": ""})}]})
            self.event({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": len(pieces)}})
            self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.server.gone.set()

    def event(self, value):
        data = f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n".encode()
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.wfile.flush()
        self.wfile.write(data[half:])
        self.wfile.flush()


if __name__ == "__main__":
    server = FakeServer()
    print(server.origin)
    threading.Event().wait()
