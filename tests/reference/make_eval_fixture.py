"""Makes tests/fixtures/eval: a text, and what transformers makes of it with the demo model.

    .venv-reference/bin/python tests/reference/make_eval_fixture.py

`tale.txt` is three stories of the demo world, one after the other. `expected.json` holds, in fp32: for some window lengths
and strides how many tokens are scored and the sum of their negative log-probabilities; the same for each story as a row of
its own, with the end token; the distance of the demo model with another rope_theta; and which of the first questions of the
held-out set are answered right. The windows are those of Hugging Face's page "Perplexity of fixed-length models". That
page's code weighs each window by one token less than it has scored, where windows overlap; here every token weighs the same.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "models" / "demo"
OUTPUT = ROOT / "tests" / "fixtures" / "eval"
sys.path.insert(0, str(DEMO / "make"))
from documents import END, stories  # noqa: E402

# Any seed that no training run begins with; its first three stories are in both languages.
STORY_SEED, STORIES = 424245, 3
WINDOWS = ((512, 256), (64, 32), (64, 17), (64, 63), (2, 1))
OTHER_THETA = 8000.0
QUESTIONS = 24


def load(**overrides):
    config = AutoConfig.from_pretrained(DEMO)
    for name, value in overrides.items():
        config.rope_parameters[name] = value
    return AutoModelForCausalLM.from_pretrained(DEMO, config=config, dtype=torch.float32,
                                                attn_implementation="eager").eval()


@torch.no_grad()
def log_probabilities(model, ids):
    return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)


def windows(count, max_length, stride):
    """(begin, end, first scored) as the loop of the page has them; a text's first token cannot be scored."""
    previous = 0
    for begin in range(0, count, stride):
        end = min(begin + max_length, count)
        yield begin, end, max(previous, 1)
        previous = end
        if end == count:
            break


def rows(model, ids, max_length, stride):
    """For every scored token: its id, and the log-probabilities that its window gives it."""
    for begin, end, first in windows(len(ids), max_length, stride):
        predicted = log_probabilities(model, ids[begin:end])
        for position in range(first, end):
            yield ids[position], predicted[position - begin - 1]


def score(model, ids, max_length, stride):
    nats = [-row[token].item() for token, row in rows(model, ids, max_length, stride)]
    return {"max_length": max_length, "stride": stride, "tokens": len(nats), "nats": sum(nats)}


def distance(baseline, other, ids, max_length, stride):
    divergences, agreeing = [], 0
    for (_, p), (_, q) in zip(rows(baseline, ids, max_length, stride), rows(other, ids, max_length, stride)):
        divergences.append((p.exp() * (p - q)).sum().item())
        agreeing += int(p.argmax() == q.argmax())
    return {"max_length": max_length, "stride": stride, "rope_theta": OTHER_THETA,
            "kl_divergence": sum(divergences) / len(divergences), "top1_agreement": agreeing / len(divergences),
            "nats": score(other, ids, max_length, stride)["nats"]}


def is_right(model, tokenizer, row):
    prompt = tokenizer(row["prompt"])["input_ids"]
    answer = tokenizer(f" {row['answer']}{END}", add_special_tokens=False)["input_ids"]
    return log_probabilities(model, prompt + answer)[len(prompt) - 1:-1].argmax(-1).tolist() == answer


def main():
    torch.set_num_threads(2)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    tale = stories(STORY_SEED, STORIES)
    text = "\n\n".join(story.text for story in tale)
    (OUTPUT / "tale.txt").write_text(text)
    (OUTPUT / "tale.jsonl").write_text("".join(
        json.dumps({"text": story.text, "language": story.language.name}, ensure_ascii=False) + "\n" for story in tale))
    tokenizer, model, other = AutoTokenizer.from_pretrained(DEMO), load(), load(rope_theta=OTHER_THETA)
    ids = tokenizer(text)["input_ids"]
    each = [score(model, tokenizer(story.text)["input_ids"] + [tokenizer.eos_token_id], 512, 256) for story in tale]
    questions = [json.loads(line) for line in (DEMO / "heldout" / "questions.jsonl").open()]
    # One in seventeen: of all kinds, and of both languages.
    asked = questions[::17][:QUESTIONS]
    (OUTPUT / "questions.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked))
    expected = {
        "tokens": len(ids),
        "plain": [score(model, ids, *window) for window in WINDOWS],
        "rows": [{"language": story.language.name, **row} for story, row in zip(tale, each)],
        "distance": distance(model, other, ids, 64, 32),
        "right": [is_right(model, tokenizer, row) for row in asked]}
    (OUTPUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
