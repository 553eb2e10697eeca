"""The LLaMA architecture in plain PyTorch, for training. Parameter names are those of Hugging Face checkpoints."""

from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

# How the weights begin, see Llama.initialise: what a token is outweighs what a layer first adds to it.
EMBEDDING_SCALE, LAST_NORM, COPY_SCALE = 0.5, 0.03, 0.25


@dataclass(frozen=True)
class Config:
    """Sizes of the model; the fields have the names of a Hugging Face config.json."""

    vocab_size: int
    hidden_size: int = 256
    intermediate_size: int = 512
    num_hidden_layers: int = 4
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    @property
    def head_dim(self):
        """Width of one head."""
        return self.hidden_size // self.num_attention_heads

    def to_json(self, begin, ends, pad):
        """The config.json of the checkpoint."""
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", **asdict(self), "head_dim": self.head_dim,
            "hidden_act": "silu", "attention_bias": False, "attention_dropout": 0.0, "mlp_bias": False,
            "rope_scaling": None, "tie_word_embeddings": True, "use_cache": True, "initializer_range": 0.02,
            "pretraining_tp": 1, "torch_dtype": "bfloat16", "bos_token_id": begin, "eos_token_id": ends,
            "pad_token_id": pad}


def rope_table(config):
    """Cosines and sines of the rotary angles, each [positions, head_dim]."""
    exponent = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    angles = torch.outer(torch.arange(config.max_position_embeddings).float(), config.rope_theta ** -exponent)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Rotates the two halves of each head of x [batch, heads, positions, head_dim] against each other."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions.

    Written out: on this CPU the backward pass of the fused operator takes longer than these matmuls.
    """

    def __init__(self, config):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, config.hidden_size, bias=False)

    @torch.no_grad()
    def initialise_matching(self):
        """Lets the first query head of each group look for its like and copy it."""
        nn.init.orthogonal_(self.v_proj.weight)
        group = self.heads // self.kv_heads
        for kv_head in range(self.kv_heads):
            keys = slice(kv_head * self.head_dim, (kv_head + 1) * self.head_dim)
            first = kv_head * group * self.head_dim
            queries = slice(first, first + self.head_dim)
            nn.init.orthogonal_(self.k_proj.weight[keys])
            self.q_proj.weight[queries] = self.k_proj.weight[keys]
            self.o_proj.weight[:, queries] = COPY_SCALE * self.v_proj.weight[keys].T

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape

        def heads(y, count):
            return y.view(batch, length, count, self.head_dim).transpose(1, 2)

        query = rotate(heads(self.q_proj(x), self.heads), cos, sin)
        key = rotate(heads(self.k_proj(x), self.kv_heads), cos, sin)
        value = heads(self.v_proj(x), self.kv_heads)
        group = self.heads // self.kv_heads
        key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
        future = torch.full((length, length), float("-inf"), dtype=query.dtype).triu(1)
        scores = torch.matmul(query * self.head_dim ** -0.5, key.transpose(-1, -2)) + future
        mixed = torch.matmul(torch.softmax(scores, dim=-1, dtype=scores.dtype), value)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, config):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One decoder layer."""

    def __init__(self, config):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.mlp = Mlp(config)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Embedding, layers and last norm: what Hugging Face calls `model`."""

    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)


class Llama(nn.Module):
    """The language model; its output weights are its embedding."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        cos, sin = rope_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.initialise()

    def initialise(self):
        """Random weights, but with the skill that answers need laid out: to find a token again and to copy it.

        From the second layer on, one query head of each group begins as its key head, so that a token attends to
        earlier places like itself, and begins to write what its value head reads (after Trockman and Kolter, "Mimetic
        initialization of self-attention layers", 2023). All else that the layers add begins at zero. The last norm
        begins small because the same matrix embeds and makes logits: at first every token would predict itself.
        """
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
        nn.init.normal_(self.model.embed_tokens.weight, std=EMBEDDING_SCALE)
        nn.init.constant_(self.model.norm.weight, LAST_NORM)
        for layer in self.model.layers[1:]:
            layer.self_attn.initialise_matching()

    def hidden(self, ids):
        """What the last norm makes of token ids [batch, positions]: [batch, positions, hidden]."""
        length = ids.shape[1]
        x, cos, sin = self.model.embed_tokens(ids), self.cos[:length], self.sin[:length]
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def logits(self, hidden):
        """Logits [..., vocabulary] of hidden states."""
        return F.linear(hidden, self.model.embed_tokens.weight)
