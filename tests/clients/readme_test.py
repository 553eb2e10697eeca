"""What the documents say of clients: the lines of README.md run as they stand there, but for the port."""

import re
import subprocess
import sys

import pytest

from caravan_server import REPOSITORY


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_openai_client_in_five_lines(demo, name):
    [lines] = re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / name).read_text(), re.MULTILINE | re.DOTALL)
    assert lines.count("\n") == 5
    assert "http://127.0.0.1:8000/v1" in lines, "the address that caravan serve has where it is not told another"
    lines = lines.replace("http://127.0.0.1:8000", demo.url)
    told = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.split()) > 20, f"a story, not {told.stdout!r}"


def test_the_versions_that_are_documented_are_these():
    serving = (REPOSITORY / "docs" / "serving.md").read_text()
    requirements = (REPOSITORY / "tests" / "clients" / "requirements.txt").read_text()
    versions = dict(re.findall(r"^(\w+)(?:\[\w+\])?==(\S+)$", requirements, re.MULTILINE))
    for name in ("openai", "huggingface_hub", "lm_eval", "schemathesis"):
        assert f"`{name}` {versions[name]}" in serving
