"""What vLLM answers with one checkpoint: a process of its own, because vLLM's memory is let go with it.

    answers.py FOLDER DTYPE PROMPTS TOKENS OUTPUT

PROMPTS is a JSON list of lists of token ids, DTYPE vLLM's name of the activations' type. OUTPUT.npz gets `logprobs.N`, fp32
[length of prompt N - 1, vocabulary]: the log-probabilities after each of its tokens but the last, and `tokens.N`, the TOKENS
greedy tokens that follow it.
"""

import json
import os
import sys

# Of vLLM, which reads them when it is imported: one process, no reports to anybody, no network, one GiB of KV cache, and
# activations that stay as they are beside weights of 4 bits.
os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1", HF_HUB_OFFLINE="1",
                  VLLM_CPU_KVCACHE_SPACE="1", VLLM_CPU_INT4_W4A8="0", VLLM_LOGGING_LEVEL="WARNING")

import numpy as np
from vllm import LLM, SamplingParams

import int8_weights

CONTEXT = 512


def main():
    folder, dtype, prompts, tokens, output = sys.argv[1:]
    int8_weights.teach_vllm()
    model = LLM(folder, dtype=dtype, enforce_eager=True, max_model_len=CONTEXT, max_logprobs=-1, disable_log_stats=True,
                enable_prefix_caching=False, skip_tokenizer_init=True)
    sampling = SamplingParams(temperature=0, max_tokens=int(tokens), ignore_eos=True, prompt_logprobs=-1, detokenize=False)
    requests = [{"prompt_token_ids": ids} for ids in json.loads(prompts)]
    arrays = {}
    for i, answer in enumerate(model.generate(requests, sampling, use_tqdm=False)):
        rows = answer.prompt_logprobs[1:]
        values = np.empty((len(rows), len(rows[0])), np.float32)
        for row, of_row in zip(values, rows):
            row[list(of_row)] = [each.logprob for each in of_row.values()]
        arrays[f"logprobs.{i}"] = values
        arrays[f"tokens.{i}"] = np.array(answer.outputs[0].token_ids, np.int32)
    np.savez(output, **arrays)


if __name__ == "__main__":
    main()
