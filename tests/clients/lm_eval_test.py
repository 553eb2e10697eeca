"""lm-eval's local-completions and local-chat-completions, on the demo model's held-out questions."""

import json
import os
import subprocess
import sys

import pytest

from caravan_server import DEMO, REPOSITORY, WORK
from demo_model import DemoModel

MEASURED = json.loads((DEMO / "eval.json").read_text())["exact_match"]
HERE = REPOSITORY / "tests" / "clients"


def evaluate(name, model, arguments, tasks, *more):
    """The scores by task, and the samples by task."""
    folder = WORK / name
    command = [sys.executable, "-m", "lm_eval", "run", "--model", model, "--model_args", arguments, "--include_path",
               HERE / "lm_eval", "--tasks", ",".join(tasks), "--log_samples", "--output_path", folder, *more]
    # Nothing may come from elsewhere, nor from a run before.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(WORK / "huggingface")}
    for old in folder.glob("**/*.json*"):
        old.unlink()
    ran = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-4000:]
    [results] = folder.glob("**/results_*.json")
    samples = {}
    for task in tasks:
        [file] = folder.glob(f"**/samples_{task}_*.jsonl")
        samples[task] = [json.loads(line) for line in file.open()]
    return json.loads(results.read_text())["results"], samples


def differences(samples, first):
    """By how much each log-likelihood is off, where `first` are the ids before a prompt's own."""
    model = DemoModel()
    off = []
    for sample in samples:
        for asked, (score, greedy) in zip(sample["arguments"].values(), sample["filtered_resps"], strict=True):
            prompt = model.ids(asked["arg_0"])
            rest = model.ids(asked["arg_0"] + asked["arg_1"])[len(prompt):]
            expected, likeliest = model.continuation(first + prompt, rest)
            assert (str(greedy) == "True") == likeliest, f"{asked['arg_1']!r} greedy: {greedy}"
            off.append(abs(float(score) - expected))
    return off


@pytest.fixture(scope="module")
def completions(demo):
    return evaluate(
        "lm_eval_completions", "local-completions",
        f"model=demo,base_url={demo.url}/v1/completions,tokenizer_backend=huggingface,tokenizer={DEMO},add_bos_token=True,"
        "max_length=512,num_concurrent=8", ["held_out_choices", "held_out_answers"])


def test_the_log_likelihoods_are_the_models(completions):
    _, samples = completions
    off = differences(samples["held_out_choices"], [0])
    assert len(off) == 160
    assert max(off) < 1e-3


def test_the_model_chooses_right_where_it_knows(completions):
    scores, _ = completions
    assert scores["held_out_choices"]["acc,none"] == 1.0


def test_the_answers_are_as_often_right_as_transformers_measured(completions):
    scores, samples = completions
    assert len(samples["held_out_answers"]) == 400
    assert scores["held_out_answers"]["exact_match,none"] == MEASURED["plain"]["all"]["all"]


def test_lm_eval_finds_the_servers_tokenizer_by_itself(demo):
    _, samples = evaluate(
        "lm_eval_remote", "local-completions",
        f"model=demo,base_url={demo.url}/v1/completions,max_length=512", ["held_out_choices"],
        "--limit", "5", "--batch_size", "4")
    # Its remote tokenizer adds no begin token.
    off = differences(samples["held_out_choices"], [])
    assert len(off) == 20
    assert max(off) < 1e-3


def test_the_answers_in_chats_are_as_often_right_as_transformers_measured(demo):
    scores, samples = evaluate(
        "lm_eval_chat", "local-chat-completions",
        f"model=demo,base_url={demo.url}/v1/chat/completions,num_concurrent=8", ["held_out_chat"], "--apply_chat_template")
    assert len(samples["held_out_chat"]) == 400
    assert scores["held_out_chat"]["exact_match,none"] == MEASURED["chat"]["all"]["all"]
