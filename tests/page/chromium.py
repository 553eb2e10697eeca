"""Headless Chromium, driven through the DevTools protocol over a pair of pipes: nothing but Python's own library.

https://chromedevtools.github.io/devtools-protocol/ describes the methods; --remote-debugging-pipe gives each message a
NUL byte at its end, commands on descriptor 3 and answers on descriptor 4.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Chromium:
    """One browser; its pages are apart from each other, as private windows are."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="caravan_page_")
        commands_in, self.commands = os.pipe()
        self.answers, answers_out = os.pipe()
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--mute-audio",
            "--force-color-profile=srgb", "--lang=en-US", f"--user-data-dir={self.folder}", "--remote-debugging-pipe"]
        start = f'exec "$@" 3<&{commands_in} 4>&{answers_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", start, "chromium", "chromium", *flags], pass_fds=(commands_in, answers_out),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands_in)
        os.close(answers_out)
        self.last_id = 0
        self.rest = b""
        self.events = []

    def call(self, method, session=None, **parameters):
        """Sends a command and waits for its result; events that come meanwhile are kept."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 30
        while True:
            answer = self.read(deadline - time.monotonic())
            if answer is None:
                raise TimeoutError(f"Chromium has not answered {method} within 30 s")
            if answer.get("id") != self.last_id:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            return answer["result"]

    def read(self, seconds):
        """The next message, or None if none comes in time."""
        deadline = time.monotonic() + seconds
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise ConnectionError("Chromium has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)


KEYS = {"Enter": (13, "\r"), "Escape": (27, None), "Tab": (9, None), " ": (32, " ")}


class Page:
    """One page in a browser context of its own."""

    def __init__(self, browser, origin, width=1280, height=800, dark=False, chinese=False, reduced=False,
                 before=""):
        self.browser = browser
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.size(width, height)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"}])
        agent = browser.call("Browser.getVersion")["userAgent"]
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="zh-CN,zh" if chinese else "en-US,en")
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.origin = origin
        self.open()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def open(self):
        self.call("Page.navigate", url=self.origin + "/")
        self.wait("document.readyState === 'complete' && document.querySelector('#send')?.ariaLabel")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)

    def run(self, script):
        """The value of a JavaScript expression, awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", str(answer)))
        return answer["result"].get("value")

    def wait(self, condition, seconds=10):
        """Waits until the expression is true, and returns its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.run(condition)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {condition}")
            time.sleep(0.02)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press(self, key, shift=False):
        code, text = KEYS[key]
        event = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code,
                 "modifiers": 8 if shift else 0}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **down, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def click(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))

    def complaints(self):
        """What the browser found wrong: uncaught errors, violations of the policy, requests to anywhere else."""
        self.call("Runtime.evaluate", expression="1")
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            about = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"]))
            if event["method"] == "Log.entryAdded" and "Failed to load resource" not in about["entry"]["text"]:
                found.append(about["entry"]["text"])
            if event["method"] == "Network.requestWillBeSent":
                url = about["request"]["url"]
                if not url.startswith((self.origin + "/", "about:")):
                    found.append(f"a request to {url}")
        return found

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
        self.browser.events.clear()
