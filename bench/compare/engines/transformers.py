"""transformers on PyTorch, eager, with its default attention on a CPU."""

import time

import torch
from transformers import AutoModelForCausalLM

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Worker:
    """One model; each piece has a cache of its own."""

    def __init__(self, args):
        torch.set_num_threads(args.threads)
        self.model = AutoModelForCausalLM.from_pretrained(args.model, dtype=DTYPES[args.dtype]).eval()

    def forward(self, ids, cache):
        """The best next token of each row [batch, 1], the cache, and the seconds that it took."""
        begin = time.perf_counter()
        out = self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return out.logits.argmax(-1), out.past_key_values, time.perf_counter() - begin

    @torch.inference_mode()
    def run(self, tokens, steps):
        """Prefill in one forward pass, then one pass for each step."""
        ids, cache, prefill = self.forward(torch.tensor(tokens), None)
        times = []
        for _ in range(steps):
            ids, cache, seconds = self.forward(ids, cache)
            times.append(seconds)
        return prefill, times
