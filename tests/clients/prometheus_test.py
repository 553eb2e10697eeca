"""A real Prometheus that scrapes /metrics, and promtool's opinion of it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from caravan_server import REPOSITORY, WORK, end_with_parent

pytestmark = pytest.mark.skipif(
    not shutil.which("prometheus"), reason="this machine has no prometheus; scripts/install.sh clients installs it")

# Two scrapes at least are needed for a rate; the rest is for machines that are busy.
WAIT_SECONDS = 300


class Prometheus:
    def __init__(self, target):
        folder = WORK / "prometheus"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "caravan", "static_configs": [{"targets": [target]}]}],
        }))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}/api/v1/"
        with (WORK / "prometheus.log").open("w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address={address}"], stdout=log, stderr=log, cwd=folder, preexec_fn=end_with_parent)

    def ask(self, path, **parameters):
        address = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            # Unavailable: it is still starting, which wait() waits for.
            if error.code == 503:
                raise
            pytest.fail(f"{parameters}: {error.read().decode()}")

    def values(self, query):
        return [float(row["value"][1]) for row in self.ask("query", query=query)["result"]]

    def wait(self, query, holds):
        """Until `holds` of the query's values; both while Prometheus starts and while it has not scraped yet."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                values = self.values(query)
                if holds(values):
                    return
            except urllib.error.URLError as error:
                values = error
            assert time.monotonic() < end, f"{query} is {values}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def prometheus(demo):
    server = Prometheus(demo.url.removeprefix("http://"))
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture(scope="module")
def busy(prometheus, demo):
    """The same with requests of every kind between two scrapes."""
    prometheus.wait('up{job="caravan"}', lambda values: values == [1])
    generated = demo.metric("vllm:generation_tokens_total")
    for _ in range(3):
        demo.post("/v1/completions", {"prompt": "Once upon a time", "max_tokens": 50, "ignore_eos": True})
    demo.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 20,
                                       "guided_regex": "[a-c]{4}"})
    # Later than the last of them by a scrape.
    prometheus.wait("vllm:generation_tokens_total", lambda values: values and values[0] >= generated + 150)
    prometheus.wait("rate(vllm:generation_tokens_total[30s])", lambda values: values and values[0] > 0)
    return prometheus


def test_scrapes_the_server(busy):
    [target] = busy.ask("targets", state="active")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert busy.values("scrape_samples_scraped")[0] > 100


def test_has_vllms_series_with_values(busy, demo):
    for name in ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"):
        [row] = busy.ask("query", query=name)["result"]
        assert row["metric"]["model_name"] == "demo"
    for name in ("vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:time_to_first_token_seconds_count",
                 "vllm:inter_token_latency_seconds_count", "vllm:e2e_request_latency_seconds_sum"):
        # Nothing else runs, so that what was scraped last is what the server says now.
        busy.wait(name, lambda values, now=demo.metric(name): values == [now] and now > 0)
    assert busy.values('sum(vllm:request_success_total{finished_reason="length"})')[0] >= 3
    [median] = busy.values("histogram_quantile(0.5, sum by (le) (vllm:e2e_request_latency_seconds_bucket))")
    assert 0 < median < 60


def test_knows_the_types_and_meanings(busy):
    about = busy.ask("metadata")
    assert about["vllm:num_requests_running"][0]["type"] == "gauge"
    assert about["vllm:generation_tokens_total"][0]["type"] == "counter"
    assert about["vllm:time_to_first_token_seconds"][0]["type"] == "histogram"
    assert all(entry["help"] for name, entries in about.items() if name.startswith(("vllm:", "caravan_")) for entry in entries)


def test_answers_every_question_of_the_dashboard(busy):
    dashboard = json.loads((REPOSITORY / "web" / "grafana-dashboard.json").read_text())
    queries = {target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])}
    assert len(queries) > 20
    for query in sorted(queries):
        assert busy.values(query.replace("$model", ".*").replace("$__rate_interval", "1m")), f"{query} has no values"


def test_promtool_complains_of_vllms_names_only(demo):
    checked = subprocess.run(["promtool", "check", "metrics"], input=demo.get("/metrics"), text=True, capture_output=True)
    # 3: the text is right, and something in it is against the customs.
    assert checked.returncode in (0, 3), checked.stderr
    assert [line for line in checked.stderr.splitlines() if not line.startswith("vllm:")] == []
