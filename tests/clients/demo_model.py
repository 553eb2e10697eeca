"""The demo model in fp32 in a page of numpy, which shares nothing with Caravan: what log-probabilities must be."""

import json
import math
import pathlib

import numpy as np
from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "models" / "demo"


def _tensors():
    """Name to fp32 array; the file has bf16, the upper half of an fp32, which numpy does not know."""
    data = (FOLDER / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "BF16", f"{name} is {entry['dtype']}"
        first, end = entry["data_offsets"]
        halves = np.frombuffer(data[start + first : start + end], dtype="<u2").astype(np.uint32)
        tensors[name] = (halves << 16).view(np.float32).reshape(entry["shape"])
    return tensors


class DemoModel:
    def __init__(self):
        self.config = json.loads((FOLDER / "config.json").read_text())
        self.weights = _tensors()
        self.tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))

    def ids(self, text):
        """Without a begin token."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def _norm(self, x, name):
        mean = np.mean(x * x, axis=-1, keepdims=True)
        return x / np.sqrt(mean + self.config["rms_norm_eps"]) * self.weights[name]

    def _linear(self, x, name):
        return x @ self.weights[f"{name}.weight"].T

    def _rotated(self, x):
        """[heads, tokens, width]: pairs are the two halves of a head."""
        half = x.shape[-1] // 2
        frequencies = self.config["rope_theta"] ** (-np.arange(half) / half)
        angles = np.arange(x.shape[1])[:, None] * frequencies
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        first, second = x[..., :half], x[..., half:]
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)

    def _attention(self, x, layer):
        heads, shared = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        tokens, width = x.shape[0], self.config["head_dim"]
        q, k, v = (
            self._linear(x, f"{layer}.{name}_proj").reshape(tokens, -1, width).transpose(1, 0, 2) for name in "qkv"
        )
        q, k = self._rotated(q), self._rotated(k)
        k, v = np.repeat(k, heads // shared, axis=0), np.repeat(v, heads // shared, axis=0)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(width)
        scores[:, np.triu(np.ones((tokens, tokens), dtype=bool), 1)] = -np.inf
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return self._linear((scores @ v).transpose(1, 0, 2).reshape(tokens, -1), f"{layer}.o_proj")

    def logprobs(self, ids):
        """[tokens, vocabulary]: of the token that follows each."""
        embedding = self.weights["model.embed_tokens.weight"]
        x = embedding[ids]
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            x = x + self._attention(self._norm(x, f"{layer}.input_layernorm.weight"), f"{layer}.self_attn")
            inner = self._norm(x, f"{layer}.post_attention_layernorm.weight")
            gate = self._linear(inner, f"{layer}.mlp.gate_proj")
            gate = gate / (1 + np.exp(-gate)) * self._linear(inner, f"{layer}.mlp.up_proj")
            x = x + self._linear(gate, f"{layer}.mlp.down_proj")
        logits = self._norm(x, "model.norm.weight") @ embedding.T
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def continuation(self, prompt, ids):
        """The log-probability of `ids` after the ids `prompt`, and whether each is the likeliest where it stands."""
        rows = self.logprobs(prompt + ids)[len(prompt) - 1 : -1]
        return float(rows[np.arange(len(ids)), ids].sum()), rows.argmax(-1).tolist() == ids
