"""ONNX Runtime GenAI."""

import json
import time

import numpy as np
import onnxruntime_genai


class Worker:
    """One model; each piece has a generator of its own."""

    def __init__(self, args):
        config = onnxruntime_genai.Config(args.model)
        options = {"model": {"decoder": {"session_options": {"intra_op_num_threads": args.threads}}}}
        config.overlay(json.dumps(options))
        self.model = onnxruntime_genai.Model(config)

    def run(self, tokens, steps):
        """Prefill where the tokens are appended, which computes them, and then each step as it comes."""
        params = onnxruntime_genai.GeneratorParams(self.model)
        length = len(tokens[0]) + steps + 1
        params.set_search_options(batch_size=len(tokens), min_length=length, max_length=length, do_sample=False)
        generator = onnxruntime_genai.Generator(self.model, params)
        ends = [time.perf_counter()]
        generator.append_tokens(np.array(tokens, np.int32))
        for _ in range(steps + 1):
            generator.generate_next_token()
            ends.append(time.perf_counter())
        seconds = [later - earlier for earlier, later in zip(ends, ends[1:])]
        return seconds[0], seconds[1:]
