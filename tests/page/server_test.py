"""The web page in Chromium against the real server with the demo model: run.sh runs this."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from chromium import Chromium, Page

MODEL = pathlib.Path(sys.argv.pop())
PROGRAM = sys.argv.pop()
LAST = "document.querySelector('.from-model:last-child')"
DONE = f"{LAST} && !{LAST}.classList.contains('growing')"


def setUpModule():
    global browser
    browser = Chromium()


def tearDownModule():
    browser.close()


class Server:
    """`caravan serve` on a free port, ready."""

    def __init__(self, model):
        self.process = subprocess.Popen([PROGRAM, "serve", "--model-path", model, "--port", "0", "--batch-size", "2"],
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"ready: .* on (http://\S+)", line)
            if found:
                self.origin = found[1]
                break
        else:
            raise RuntimeError(f"caravan serve ended with {self.process.wait()}")

    def close(self):
        self.process.stderr.close()
        self.process.terminate()
        return self.process.wait()


class RealServer(unittest.TestCase):
    def talk(self, model):
        """What the page shows of an answer, and its notice."""
        server = Server(model)
        page = Page(browser, server.origin)
        try:
            page.run("document.querySelector('#prompt').focus()")
            page.type("Once upon a time")
            page.press("Enter")
            page.wait(DONE, 60)
            self.assertEqual(page.run(f"{LAST}.querySelector('[role=alert]')?.innerText ?? ''"), "")
            self.assertEqual(page.complaints(), [])
            return page.run(f"{LAST}.innerText"), page.run("document.querySelector('#notice').innerText")
        finally:
            page.close()
            self.assertEqual(server.close(), 0)

    def test_it_chats(self):
        answer, notice = self.talk(MODEL)
        self.assertGreater(len(answer), 20)
        self.assertNotIn("no chat template", notice)

    def test_without_a_chat_template_it_continues_the_text(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in MODEL.iterdir():
                if file.is_file() and file.name != "tokenizer_config.json":
                    os.symlink(file.resolve(), pathlib.Path(folder) / file.name)
            config = json.loads((MODEL / "tokenizer_config.json").read_text())
            del config["chat_template"]
            (pathlib.Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
            answer, notice = self.talk(folder)
        self.assertGreater(len(answer), 20)
        self.assertIn("no chat template", notice)


if __name__ == "__main__":
    unittest.main()
