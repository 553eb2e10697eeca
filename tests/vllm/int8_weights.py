"""Weights of 8 bits beside activations as they are, which vLLM reads anywhere and has kernels for on GPUs alone.

teach_vllm() gives vLLM's CPU backend a plain kernel for them: everything but the product itself, from the config to the
packed numbers and their scales in one matrix of q, k and v, is vLLM's own.
"""

import torch
from vllm.model_executor.kernels import linear
from vllm.model_executor.kernels.linear.mixed_precision.MPLinearKernel import MPLinearKernel
from vllm.model_executor.layers.quantization.utils.quant_utils import unpack_quantized_values_into_int32
from vllm.platforms import PlatformEnum
from vllm.scalar_type import scalar_types


class PlainInt8Kernel(MPLinearKernel):
    @classmethod
    def get_min_capability(cls):
        return -1

    @classmethod
    def can_implement(cls, config):
        return config.weight_type == scalar_types.uint8b128, "it is for weights of 8 bits alone"

    def process_weights_after_loading(self, layer):
        packed, scales = getattr(layer, self.w_q_name), getattr(layer, self.w_s_name)
        numbers = unpack_quantized_values_into_int32(packed.data, self.config.weight_type, packed.packed_dim) - 128
        groups = numbers.reshape(numbers.shape[0], scales.shape[1], -1)
        layer.matrix = (groups * scales.data.float().unsqueeze(-1)).reshape(numbers.shape).to(scales.dtype)

    def apply_weights(self, layer, x, bias=None):
        return torch.nn.functional.linear(x, layer.matrix, bias)


def teach_vllm():
    linear._POSSIBLE_KERNELS[PlatformEnum.CPU].append(PlainInt8Kernel)
