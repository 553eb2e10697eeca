"""Trains the demo model on the CPU and writes its checkpoint.

    python train.py --steps 1000 --decay 300 --work /tmp/demo

The learning rate rises for WARMUP steps, stays, and falls to zero over the last `decay` steps. Every SAVE_EVERY steps
the run is saved under --work and the checkpoint is written to --out; `--resume` goes on from there, and may change
--steps as long as the fall has not begun.
"""

import argparse
import csv
import json
import time
from itertools import chain, islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional as F

from batches import LATER_CHUNKS, SEED_STRIDE, batches, collate, encode, split
from documents import BEGIN, END, PAD, TURN_END, plain_questions, stories
from model import Config, Llama

FOLDER = Path(__file__).resolve().parent.parent
WARMUP, EVAL_EVERY, SAVE_EVERY = 40, 50, 50
# Of the matrices of the layers, of the embedding, and of the norms.
LEARNING_RATES = (3e-3, 5e-3, 2e-3)
WEIGHT_DECAY, CLIP = 0.3, 1.0
# The share of documents that are single facts: many first, where what to find is close by; few from then on.
FACTS_FIRST, FACTS_LATER, FACTS_STEPS = 0.6, 0.15, 400
EVAL_SEED, EVAL_STORIES = 77, 96
FIELDS = ("step", "tokens", "seconds", "lr", "train_loss", "heldout_loss", "answer_accuracy")


def learning_rates(step, steps, decay):
    """The rates of the optimizers: up, flat, and down to zero at `steps`."""
    return [rate * min((step + 1) / WARMUP, 1.0, (steps - step) / decay) for rate in LEARNING_RATES]


def optimizers(model):
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    embedding = model.model.embed_tokens.weight
    matrices = [p for p in model.parameters() if p.dim() == 2 and p is not embedding]
    norms = [p for p in model.parameters() if p.dim() == 1]
    rates = LEARNING_RATES
    return [torch.optim.Muon(matrices, lr=rates[0], weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW([embedding], lr=rates[1], betas=(0.9, 0.95), weight_decay=0.0),
            torch.optim.AdamW(norms, lr=rates[2], betas=(0.9, 0.95), weight_decay=0.0)]


def training_batches(tokenizer, pad, seed, start):
    """The batches of a run from step `start` on: those with many facts, then those with few."""
    first = batches(tokenizer, pad, seed * SEED_STRIDE, FACTS_FIRST)
    later = batches(tokenizer, pad, seed * SEED_STRIDE + LATER_CHUNKS, FACTS_LATER)
    feed = chain(islice(first, FACTS_STEPS), later)
    return islice(feed, start, None)


def weighted(batch_losses):
    """The mean loss of a batch by the weights of its targets."""
    loss, weights, _ = batch_losses
    return (loss * weights).sum() / weights.sum()


def losses(model, batch):
    """Cross entropy of every target that has a weight, with these weights and whether the target is the likeliest."""
    inputs, targets, weights = batch
    wanted = weights > 0
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model.hidden(inputs)[wanted])
    logits = logits.float()
    return F.cross_entropy(logits, targets[wanted], reduction="none"), weights[wanted], logits.argmax(-1) == targets[wanted]


@torch.no_grad()
def evaluate(model, groups):
    """Mean loss of held-out story tokens, and the share of answer tokens that are the likeliest, over batches."""
    story_loss, story_tokens, right, answers = 0.0, 0, 0, 0
    for batch in groups:
        loss, weights, hits = losses(model, batch)
        is_answer = weights > 1
        story_loss += loss[~is_answer].sum().item()
        story_tokens += (~is_answer).sum().item()
        right += hits[is_answer].sum().item()
        answers += is_answer.sum().item()
    return story_loss / story_tokens, right / answers


def write_checkpoint(model, tokenizer, out):
    """config.json, generation_config.json and model.safetensors in bf16, as Hugging Face lays them out."""
    begin, end, turn_end, pad = map(tokenizer.token_to_id, (BEGIN, END, TURN_END, PAD))
    config = model.config.to_json(begin, [end, turn_end], pad)
    generation = {"bos_token_id": begin, "eos_token_id": [end, turn_end], "pad_token_id": pad, "do_sample": True,
                  "temperature": 0.8, "top_p": 0.95}
    for name, value in (("config.json", config), ("generation_config.json", generation)):
        (out / name).write_text(json.dumps(value, indent=2) + "\n")
    weights = {name: p.detach().to(torch.bfloat16).contiguous() for name, p in model.state_dict().items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})


class Log:
    """The CSV of the run; a resumed run goes on at the end of it."""

    def __init__(self, path, step):
        rows = list(csv.reader(path.open()))[1:] if step else []
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([FIELDS] + [row for row in rows if int(row[0]) <= step])
        self.path = path

    def add(self, row):
        """Appends one row and prints it."""
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(*row, flush=True)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--decay", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, required=True, help="folder for the state of the run")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main():
    """Trains."""
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    pad = tokenizer.token_to_id(PAD)
    model = Llama(Config(vocab_size=tokenizer.get_vocab_size()))
    steppers = optimizers(model)
    held_out = [plain_questions(s, s.questions[2:]) for s in stories(EVAL_SEED, EVAL_STORIES, held_out=True)]
    held_out = [collate(group, pad) for group in split(encode(tokenizer, held_out))]
    start, tokens, seconds = 0, 0, 0.0
    state_file = args.work / "state.pt"
    args.work.mkdir(parents=True, exist_ok=True)
    if args.resume:
        state = torch.load(state_file)
        start, tokens, seconds = state["step"], state["tokens"], state["seconds"]
        model.load_state_dict(state["model"])
        for stepper, saved in zip(steppers, state["optimizers"]):
            stepper.load_state_dict(saved)
    log = Log(Path(__file__).with_name("train_log.csv"), start)
    feed = training_batches(tokenizer, pad, args.seed, start)
    begun, running = time.monotonic() - seconds, []
    for step in range(start, args.steps):
        batch = next(feed)
        rates = learning_rates(step, args.steps, args.decay)
        total = weighted(losses(model, batch))
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for stepper, rate in zip(steppers, rates):
            for group in stepper.param_groups:
                group["lr"] = rate
            stepper.step()
            stepper.zero_grad()
        running.append(total.item())
        tokens += (batch[0] != pad).sum().item()
        done = step + 1
        if done % EVAL_EVERY == 0 or done == args.steps:
            story_loss, accuracy = evaluate(model, held_out)
            seconds = time.monotonic() - begun
            log.add((done, tokens, round(seconds), f"{rates[0]:.6f}", f"{sum(running) / len(running):.4f}",
                     f"{story_loss:.4f}", f"{accuracy:.4f}"))
            running = []
        if done % SAVE_EVERY == 0 or done == args.steps:
            write_checkpoint(model, tokenizer, args.out)
            torch.save({"step": done, "tokens": tokens, "seconds": time.monotonic() - begun, "model": model.state_dict(),
                        "optimizers": [stepper.state_dict() for stepper in steppers]}, state_file)


if __name__ == "__main__":
    main()
