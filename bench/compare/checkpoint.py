"""A random checkpoint in Hugging Face layout: config.json, one safetensors file in bf16, and a made-up vocabulary.

Every other form is made from it, so that all engines multiply by the same numbers. Matrices are normal with a standard
deviation of 0.02, LLaMA's initialisation; norms are 1.
"""

import json
import shutil
import struct
from pathlib import Path

import numpy as np

import vocabulary

STANDARD_DEVIATION = 0.02
BYTES_PER_ELEMENT = 2  # bf16
SEED = 0


def shapes(config):
    """Name and shape of every weight of a LLaMA, in the order of the layers."""
    hidden, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or hidden // heads
    keys = config.get("num_key_value_heads", heads) * head
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (hidden,)
        yield prefix + "self_attn.q_proj.weight", (heads * head, hidden)
        yield prefix + "self_attn.k_proj.weight", (keys, hidden)
        yield prefix + "self_attn.v_proj.weight", (keys, hidden)
        yield prefix + "self_attn.o_proj.weight", (hidden, heads * head)
        yield prefix + "post_attention_layernorm.weight", (hidden,)
        yield prefix + "mlp.gate_proj.weight", (inner, hidden)
        yield prefix + "mlp.up_proj.weight", (inner, hidden)
        yield prefix + "mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)
    if not config.get("tie_word_embeddings", False):
        yield "lm_head.weight", (vocabulary, hidden)


def to_bf16(values):
    """fp32 as the bits of bf16, cut off: random numbers need no rounding."""
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def to_fp32(bits):
    """The bits of bf16 as fp32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def random_weights(generator, shape):
    """A matrix of random numbers, or the ones of a norm, as the bits of bf16."""
    if len(shape) == 1:
        return to_bf16(np.ones(shape, np.float32))
    return to_bf16(generator.standard_normal(shape, np.float32) * np.float32(STANDARD_DEVIATION))


def make(config_folder, folder):
    """Writes the checkpoint of `config_folder`'s shape to `folder`."""
    config = json.loads((config_folder / "config.json").read_text())
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes(config):
        end = offset + int(np.prod(shape)) * BYTES_PER_ELEMENT
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = np.random.default_rng(SEED)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape in shapes(config):
            file.write(random_weights(generator, shape).tobytes())
    shutil.copy(config_folder / "config.json", folder)
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary.tokenizer(config["vocab_size"])))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


class Weights:
    """Reads a checkpoint that `make` wrote."""

    def __init__(self, folder):
        self.config = json.loads((Path(folder) / "config.json").read_text())
        path = Path(folder) / "model.safetensors"
        with path.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            self.header = json.loads(file.read(size))
        self.data = np.memmap(path, np.uint8, "r", offset=8 + size)

    def bits(self, name):
        """The weight as the bits of bf16, in its shape."""
        begin, end = self.header[name]["data_offsets"]
        return self.data[begin:end].view(np.uint16).reshape(self.header[name]["shape"])

    def fp32(self, name):
        """The weight as fp32."""
        return to_fp32(self.bits(name))

    def tied(self):
        """Whether the table of tokens is the head as well."""
        return "lm_head.weight" not in self.header
