"""The servers that the clients meet. Ending one is a test too: it must exit with 0."""

import json
import shutil

import pytest

from caravan_server import DEMO, WORK, CaravanServer


@pytest.fixture(scope="session")
def demo():
    """The demo model in fp32, whose numbers are known."""
    server = CaravanServer("demo", "--dtype", "fp32", "--batch-size", "16")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def locked():
    """A server that wants a key, of the demo model without a chat template and under another name."""
    model = WORK / "no_template"
    shutil.rmtree(model, ignore_errors=True)
    model.mkdir()
    for file in DEMO.glob("*.*"):
        if file.name != "tokenizer_config.json":
            (model / file.name).symlink_to(file)
    config = json.loads((DEMO / "tokenizer_config.json").read_text())
    del config["chat_template"]
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    keys = WORK / "keys.txt"
    keys.write_text("sesame\n")
    server = CaravanServer("locked", "--api-key-file", keys, "--served-model-name", "org/plain", model=model)
    yield server
    server.stop()
