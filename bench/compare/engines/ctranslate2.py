"""CTranslate2: its generator, whose callback tells when each step is done."""

import time

import ctranslate2


DTYPES = {"fp32": "float32", "int8": "int8"}


class Worker:
    """One generator."""

    def __init__(self, args):
        self.generator = ctranslate2.Generator(args.model, device="cpu", compute_type=DTYPES[args.dtype], inter_threads=1,
                                               intra_threads=args.threads)

    def run(self, tokens, steps):
        """Greedy search that no end token stops; a step is done when the callback has had every sequence's token."""
        done = {}

        def arrived(result):
            done[result.step] = time.perf_counter()
            return False

        words = [[f"<{token}>" for token in prompt] for prompt in tokens]
        begin = time.perf_counter()
        self.generator.generate_batch(words, beam_size=1, sampling_topk=1, include_prompt_in_result=False, callback=arrived,
                                      min_length=steps + 1, max_length=steps + 1)
        ends = [done[step] for step in sorted(done)]
        return ends[0] - begin, [later - earlier for earlier, later in zip(ends, ends[1:])]
