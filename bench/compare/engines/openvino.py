"""OpenVINO GenAI, in its mode for batches that start and end together; it times its own steps."""

import numpy as np
import openvino
import openvino_genai

# What is multiplied; of quantised weights bf16, its own choice on this kind of CPU.
DTYPES = {"bf16": openvino.Type.bf16, "fp16": openvino.Type.f16, "fp32": openvino.Type.f32, "int8": openvino.Type.bf16,
          "int4": openvino.Type.bf16}


class Worker:
    """One pipeline."""

    def __init__(self, args):
        self.pipeline = openvino_genai.LLMPipeline(
            args.model, "CPU", ATTENTION_BACKEND="SDPA", INFERENCE_PRECISION_HINT=DTYPES[args.dtype],
            INFERENCE_NUM_THREADS=args.threads)

    def run(self, tokens, steps):
        """Greedy search that no end token stops."""
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = config.min_new_tokens = steps + 1
        config.ignore_eos, config.do_sample = True, False
        ids = openvino.Tensor(np.array(tokens, np.int64))
        inputs = openvino_genai.TokenizedInputs(ids, openvino.Tensor(np.ones(ids.shape, np.int64)))
        times = self.pipeline.generate(inputs, config).perf_metrics.raw_metrics.token_infer_durations
        seconds = [microseconds / 1e6 for microseconds in times]
        return seconds[0], seconds[1:]
