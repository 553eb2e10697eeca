"""Shows that vLLM reads and computes what `caravan quantize` writes as Caravan does.

    vllm_reads.py CARAVAN WORK [CASE...]

Quantises models/demo by every scheme that vLLM has, lets both engines compute the same texts, and compares the distributions
after each token, and greedy continuations. run.sh beside this file runs it, and docs/quantization.md says what it found.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parents[1] / "models" / "demo"
TEXTS, LENGTH, TOKENS = 8, 120, 32
# vLLM's names of Caravan's types of activations.
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}

# Nats. Two engines' roundings, in fp32 and in bf16, for which the model as it is has 1e-13 and 3.5e-5; the cheapest scheme
# whose activations stay costs 3e-6 and 2.6e-4.
FP32_ROUNDING, BF16_ROUNDING = 1e-9, 1e-4
# Where activations are rounded to 8 bits one that lies in the middle of two may become either, and every token that attends
# to it differs from there on, by part of what the rounding costs. Until then tokens are alike to fp32's rounding: a third
# to two thirds of them were.
ALIKE_WITH_INT8_ACTIVATIONS = 0.1
# Caravan lifts 4 bits to 8 beside such activations, which vLLM does not: no token need be alike, and it cost 0.04 of the scheme.
LIFTED_SHARE = 0.1

# What is quantised, and the type in which activations are compared: fp32 shows any difference of meaning; vLLM multiplies by
# 4 bits beside bf16 alone.
CASES = {
    "as it is, fp32": (None, "fp32"),
    "as it is, bf16": (None, "bf16"),
    "w8a8": ("--scheme w8a8 --lm-head keep", "fp32"),
    "w8a8, head": ("--scheme w8a8", "fp32"),
    "w8a8, smooth": ("--scheme w8a8 --smooth --lm-head keep", "fp32"),
    "w8a8, static": ("--scheme w8a8 --act static --smooth --lm-head keep", "fp32"),
    "w8a8, some kept": ("--scheme w8a8 --keep re:.*down_proj --keep model.layers.0.self_attn.o_proj", "fp32"),
    "w8a8, bf16": ("--scheme w8a8", "bf16"),
    "w8a16": ("--scheme w8a16 --lm-head keep", "fp32"),
    "w8a16, groups": ("--scheme w8a16 --group-size 64", "fp32"),
    "w4a8": ("--scheme w4a8 --group-size 64 --gptq --lm-head keep", "fp32"),
    "w4a16, 64": ("--scheme w4a16 --group-size 64 --lm-head keep", "bf16"),
    "w4a16, gptq": ("--scheme w4a16 --group-size 128 --gptq --lm-head keep", "bf16"),
    "w4a16, zeros": ("--scheme w4a16 --group-size 64 --asymmetric --lm-head keep", "bf16"),
    "w4a16, head": ("--scheme w4a16 --group-size 64", "bf16"),
}


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def kl(p, q):
    """The divergence of q from p in nats after each token; both are log-probabilities, [tokens, vocabulary]."""
    return (np.exp(p) * (p - q)).sum(axis=-1)


class Answers:
    """log-probabilities after each token of the prompts but the last, and a continuation of each."""

    def __init__(self, logprobs, tokens):
        self.logprobs, self.tokens = np.concatenate(logprobs), tokens


def caravans(program, folder, dtype, prompts, output):
    command = [program, "run", "--model-path", folder, "--dtype", dtype, "--temperature", "0", "--ignore-eos",
               "--max-output-length", str(TOKENS), "--logits-out", output, "--autotune", "off", "--json"]
    for ids in prompts:
        command += ["--input-ids", ",".join(map(str, ids))]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()
    logits = load_file(output)
    return Answers([log_softmax(logits[f"logits.{i}"][:len(ids) - 1]) for i, ids in enumerate(prompts)],
                   [json.loads(line)["token_ids"] for line in lines])


def vllms(folder, dtype, prompts, output):
    command = [sys.executable, HERE / "answers.py", folder, DTYPES[dtype], json.dumps(prompts), str(TOKENS), output]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"vLLM does not run {folder}:\n{done.stdout[-3000:]}")
    arrays = np.load(output)
    return Answers([log_softmax(arrays[f"logprobs.{i}"]) for i in range(len(prompts))],
                   [arrays[f"tokens.{i}"].tolist() for i in range(len(prompts))])


def quantise(program, flags, folder):
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([program, "quantize", DEMO, "--output", folder, *flags.split()], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def is_right(flags, dtype, between, of_scheme):
    """Whether divergences of the two engines are what the rounding of both makes of one meaning."""
    if dtype == "bf16":
        return between.mean() < BF16_ROUNDING
    if flags is not None and "w4a8" in flags:
        return between.mean() < of_scheme.mean() * LIFTED_SHARE
    if flags is None or "w8a8" not in flags:
        return between.max() < FP32_ROUNDING
    return (between < FP32_ROUNDING).mean() > ALIKE_WITH_INT8_ACTIVATIONS and between.mean() < of_scheme.mean() / 2


def texts_of(count):
    tokenizer = Tokenizer.from_file(str(DEMO / "tokenizer.json"))
    lines = (DEMO / "heldout" / "stories.jsonl").read_text().splitlines()
    tokens = [tokenizer.encode(json.loads(line)["text"]).ids[:LENGTH] for line in lines]
    return [ids for ids in tokens if len(ids) == LENGTH][:count]


def main():
    program, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    prompts = texts_of(TEXTS)
    plain = caravans(program, DEMO, "fp32", prompts, work / "plain.safetensors")
    print(f"{'':16} {'type':4} {'KL of the two':>13} {'of the scheme':>13} {'alike':>8} {'same tokens':>11}")
    wrong = []
    for name in sys.argv[3:] or CASES:
        flags, dtype = CASES[name]
        folder = DEMO if flags is None else work / "quantised"
        if flags is not None:
            quantise(program, flags, folder)
        ours = caravans(program, folder, dtype, prompts, work / "ours.safetensors")
        theirs = vllms(folder, dtype, prompts, work / "theirs.npz")
        between, of_scheme = kl(ours.logprobs, theirs.logprobs), kl(plain.logprobs, ours.logprobs)
        same = sum(a == b for one, other in zip(ours.tokens, theirs.tokens) for a, b in zip(one, other))
        right = is_right(flags, dtype, between, of_scheme)
        wrong += [] if right else [name]
        print(f"{name:16} {dtype:4} {between.mean():13.2e} {of_scheme.mean():13.2e} {(between < FP32_ROUNDING).mean():8.2%}"
              f" {same:4} of {TEXTS * TOKENS}{'' if right else '  WRONG'}", flush=True)
    if wrong:
        sys.exit(f"vLLM computes something else than Caravan: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
