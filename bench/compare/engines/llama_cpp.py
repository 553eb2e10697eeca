"""llama.cpp, through the C interface that llama-cpp-python binds: batches of sequences, and no sampling but the largest logit."""

import time

import llama_cpp as api
import numpy as np

# Tokens of one call and of one pass over the weights: llama.cpp's own defaults.
BATCH_TOKENS, PASS_TOKENS = 2048, 512


def check(failed, call):
    """Throws where a call of llama.cpp reports failure."""
    if failed:
        raise RuntimeError(f"{call} failed")


class Worker:
    """One model and one context, whose cache is emptied before each piece."""

    def __init__(self, args):
        api.llama_backend_init()
        params = api.llama_model_default_params()
        # The buffers in which it packs quantised weights for AMX end this version with a segmentation fault.
        params.use_extra_bufts = args.dtype not in ("q8_0", "q4_0")
        self.model = api.llama_model_load_from_file(args.model.encode() + b"/model.gguf", params)
        check(not self.model, "llama_model_load_from_file")
        params = api.llama_context_default_params()
        params.n_ctx = args.max_tokens * args.max_batch
        params.n_batch, params.n_ubatch, params.n_seq_max = BATCH_TOKENS, PASS_TOKENS, args.max_batch
        params.n_threads = params.n_threads_batch = args.threads
        params.kv_unified = False
        self.context = api.llama_init_from_model(self.model, params)
        check(not self.context, "llama_init_from_model")
        self.batch = api.llama_batch_init(BATCH_TOKENS, 0, 1)
        self.vocabulary = args.vocabulary

    def decode(self, entries):
        """Computes (token, position, sequence, whether to give logits) and returns the next token of each that gives them."""
        self.batch.n_tokens = len(entries)
        for i, (token, position, sequence, logits) in enumerate(entries):
            self.batch.token[i], self.batch.pos[i], self.batch.logits[i] = token, position, logits
            self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
        check(api.llama_decode(self.context, self.batch), "llama_decode")
        return [int(np.ctypeslib.as_array(api.llama_get_logits_ith(self.context, i), (self.vocabulary,)).argmax())
                for i, entry in enumerate(entries) if entry[3]]

    def run(self, tokens, steps):
        """Prefill in calls of BATCH_TOKENS, then one call for each step."""
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        last = len(tokens[0]) - 1
        entries = [(token, i, sequence, i == last) for sequence, prompt in enumerate(tokens) for i, token in enumerate(prompt)]
        begin, following, times = time.perf_counter(), [], []
        for start in range(0, len(entries), BATCH_TOKENS):
            following += self.decode(entries[start:start + BATCH_TOKENS])
        prefill = time.perf_counter() - begin
        for step in range(steps):
            begin = time.perf_counter()
            following = self.decode([(token, last + 1 + step, i, True) for i, token in enumerate(following)])
            times.append(time.perf_counter() - begin)
        return prefill, times
