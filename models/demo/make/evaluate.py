"""Measures the shipped checkpoint on the held-out set with transformers and writes ../eval.json.

    python evaluate.py        (a minute on two cores)

Perplexity is per token over the held-out stories, their end included. Accuracy is exact match of greedy answers, asked
as plain text and through the chat template: an answer is right when each of its tokens, and the stop after it, is the
likeliest one after those before it, which one forward pass tells. Two baselines say what the number is worth: the most
frequent answer of that kind and language in training, and the same model asked without the story.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from batches import SEED_STRIDE
from documents import END, TURN_END, stories

FOLDER = Path(__file__).resolve().parent.parent
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
def is_right(model, prompt, answer):
    """Whether the greedy continuation of the ids `prompt` is the ids `answer`, whose last is the stop."""
    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1:-1]
    return logits.argmax(-1).tolist() == answer


def encode(tokenizer, text):
    """The ids of `text` without a begin token."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def plain(tokenizer, row):
    """The row's prompt as it is, and its answer."""
    return tokenizer(row["prompt"])["input_ids"], encode(tokenizer, f" {row['answer']}{END}")


def chat(tokenizer, row):
    """The row's story and question as a chat message, and the answer as the reply."""
    story = row["prompt"].rsplit("\n\n", 1)[0]
    message = {"role": "user", "content": f"{story}\n\n{row['question']}"}
    text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return encode(tokenizer, text), encode(tokenizer, f"{row['answer']}{TURN_END}")


def without_story(tokenizer, row):
    """The row's question without the story, and its answer."""
    return tokenizer(row["prompt"].rsplit("\n\n", 1)[1])["input_ids"], encode(tokenizer, f" {row['answer']}{END}")


def frequent_answers(seed):
    """The most frequent answer of each language and kind in a run's training stories."""
    counts = defaultdict(Counter)
    for story in stories(seed * SEED_STRIDE, BASELINE_STORIES):
        for kind, _, said in story.questions:
            counts[story.language.name, kind][said] += 1
    return {key: counter.most_common(1)[0][0] for key, counter in counts.items()}


def accuracy(rows, rights):
    """Exact match by language and kind."""
    right, total = Counter(), Counter()
    for row, is_match in zip(rows, rights):
        for key in ((row["language"], row["kind"]), (row["language"], "all"), ("all", "all")):
            right[key] += is_match
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
        "exact_match": {form.__name__: accuracy(rows, [is_right(model, *form(tokenizer, row)) for row in rows])
                        for form in (plain, chat, without_story)}}
    report["exact_match"]["most_frequent_answer"] = accuracy(
        rows, [frequent[row["language"], row["kind"]] == row["answer"] for row in rows])
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
