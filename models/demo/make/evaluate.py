"""Measures the shipped checkpoint on the held-out set with transformers and writes ../eval.json.

    python evaluate.py        (about five minutes on two cores)

Perplexity is per token over the held-out stories, their end included. Accuracy is exact match of greedy answers, asked
as plain text and through the chat template. Two baselines say what the number is worth: the most frequent answer of
that kind and language in training, and the same model asked without the story.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from batches import SEED_STRIDE
from documents import stories

FOLDER = Path(__file__).resolve().parent.parent
LONGEST_ANSWER = 24
BASELINE_STORIES = 4000


def read_lines(name):
    """The rows of a JSON Lines file of the held-out set."""
    return [json.loads(line) for line in (FOLDER / "heldout" / name).open()]


@torch.no_grad()
def perplexity(model, tokenizer, rows):
    """Perplexity per token by language, each story after the begin token and with the end token."""
    nats, tokens = Counter(), Counter()
    for row in rows:
        ids = torch.tensor([tokenizer(row["text"])["input_ids"] + [tokenizer.eos_token_id]])
        loss = model(ids, labels=ids).loss.item()
        for key in (row["language"], "all"):
            nats[key] += loss * (ids.shape[1] - 1)
            tokens[key] += ids.shape[1] - 1
    return {key: {"perplexity": round(math.exp(nats[key] / tokens[key]), 4), "tokens": tokens[key]} for key in sorted(nats)}


@torch.no_grad()
def answer(model, tokenizer, ids):
    """The greedy continuation of ids as text, up to a stop token or the end of the line."""
    made = model.generate(torch.tensor([ids]), max_new_tokens=LONGEST_ANSWER, do_sample=False,
                          temperature=None, top_p=None)[0, len(ids):]
    return tokenizer.decode(made, skip_special_tokens=True).split("\n")[0].strip()


def plain_ids(tokenizer, row):
    """The row's prompt as it is."""
    return tokenizer(row["prompt"])["input_ids"]


def chat_ids(tokenizer, row):
    """The row's story and question as a chat message."""
    story = row["prompt"].rsplit("\n\n", 1)[0]
    message = {"role": "user", "content": f"{story}\n\n{row['question']}"}
    text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def story_less_ids(tokenizer, row):
    """The row's question without the story."""
    return tokenizer(row["prompt"].rsplit("\n\n", 1)[1])["input_ids"]


def frequent_answers(seed):
    """The most frequent answer of each language and kind in a run's training stories."""
    counts = defaultdict(Counter)
    for story in stories(seed * SEED_STRIDE, BASELINE_STORIES):
        for kind, _, said in story.questions:
            counts[story.language.name, kind][said] += 1
    return {key: counter.most_common(1)[0][0] for key, counter in counts.items()}


def accuracy(rows, answers):
    """Exact match by language and kind."""
    right, total = Counter(), Counter()
    for row, said in zip(rows, answers):
        for key in ((row["language"], row["kind"]), (row["language"], "all"), ("all", "all")):
            right[key] += said == row["answer"]
            total[key] += 1
    table = defaultdict(dict)
    for language, kind in sorted(total):
        table[language][kind] = round(right[language, kind] / total[language, kind], 4)
    return dict(table)


def main():
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=20, help="seed of the training run, for the baseline")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"), help="of the arithmetic")
    parser.add_argument("--out", type=Path, default=FOLDER / "eval.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype)).eval()
    rows = read_lines("questions.jsonl")
    frequent = frequent_answers(args.seed)
    report = {
        "parameters": sum(p.numel() for p in model.parameters()), "arithmetic": args.dtype, "questions": len(rows),
        "perplexity": perplexity(model, tokenizer, read_lines("stories.jsonl")),
        "exact_match": {name: accuracy(rows, [answer(model, tokenizer, ids(tokenizer, row)) for row in rows])
                        for name, ids in (("plain", plain_ids), ("chat", chat_ids), ("without_story", story_less_ids))}}
    report["exact_match"]["most_frequent_answer"] = accuracy(rows, [frequent[r["language"], r["kind"]] for r in rows])
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
