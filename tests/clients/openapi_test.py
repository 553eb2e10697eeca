"""Schemathesis, which makes requests out of /openapi.json, right ones and wrong ones, and holds the answers against it."""

import json
import pathlib
import subprocess
import sys

from caravan_server import WORK

# Left out: positive_data_acceptance, since a schema cannot say that an id is of the vocabulary, that a prompt fits into the
# context or that a regular expression is one; response_headers_conformance and the checks of resources have nothing to check.
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "negative_data_rejection", "unsupported_method", "allow_header_conformance"]
EXAMPLES_OF_AN_OPERATION = 25


def schemathesis(server, name, *arguments):
    # One worker: with more, schemathesis 4.32.5 trips over its own generator.
    ran = subprocess.run(
        [pathlib.Path(sys.executable).parent / "schemathesis", "run", f"{server.url}/openapi.json", "--no-color",
         "--phases", "coverage,fuzzing", "--generation-deterministic", "--continue-on-failure", "--workers", "1",
         "--max-examples", str(EXAMPLES_OF_AN_OPERATION), "--checks", ",".join(CHECKS), "--warnings", "off",
         "--report", "json", "--report-json-path", WORK / f"{name}.json", *arguments],
        capture_output=True, text=True, cwd=WORK)
    (WORK / f"{name}.log").write_text(ran.stdout + ran.stderr)
    return ran


def test_every_answer_is_as_the_document_says(demo):
    ran = schemathesis(demo, "schemathesis")
    assert ran.returncode == 0, ran.stdout[-6000:]
    document = json.loads(demo.get("/openapi.json"))
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations}" in ran.stdout, ran.stdout[-2000:]
    assert demo.get("/health") == ""


def test_a_server_with_keys_asks_for_them_as_the_document_says(locked):
    ran = schemathesis(locked, "schemathesis_keys", "--checks", "ignored_auth,not_a_server_error,status_code_conformance",
                       "--max-examples", "5", "--header", "Authorization: Bearer sesame", "--phases", "fuzzing")
    assert ran.returncode == 0, ran.stdout[-6000:]
