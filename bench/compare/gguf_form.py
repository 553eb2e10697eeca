"""The checkpoint as GGUF, which llama.cpp reads.

Queries and keys are stored in GGUF's order: it turns neighbours by rope, where Hugging Face turns the halves of a head.
"""

import gguf
import numpy as np

import checkpoint
import vocabulary

NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
FILE_TYPES = {"fp32": gguf.LlamaFileType.ALL_F32, "fp16": gguf.LlamaFileType.MOSTLY_F16,
              "bf16": gguf.LlamaFileType.MOSTLY_BF16}


def gguf_name(name):
    """`name` as GGUF has it."""
    stem = name.removesuffix(".weight")
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{NAMES[part]}.weight"
    return NAMES[stem] + ".weight"


def neighbours(weight, heads):
    """The rows of each head reordered from halves to pairs of neighbours."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def add_vocabulary(writer, size):
    """The vocabulary."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.words(size))
    writer.add_token_types([gguf.TokenType.NORMAL] * size)
    writer.add_token_merges([" ".join(vocabulary.MERGE)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def add_config(writer, config, dtype):
    """The shape of the model."""
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads", heads))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(config.get("rope_theta", 10000.0))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(FILE_TYPES[dtype])


def add_weight(writer, weights, name, dtype):
    """One weight: a matrix in `dtype`, a norm in fp32."""
    bits = weights.bits(name)
    config = weights.config
    if "q_proj" in name:
        bits = neighbours(bits, config["num_attention_heads"])
    if "k_proj" in name:
        bits = neighbours(bits, config.get("num_key_value_heads", config["num_attention_heads"]))
    if bits.ndim == 2 and dtype == "bf16":
        bytes_of_rows = np.ascontiguousarray(bits).view(np.uint8)
        writer.add_tensor(gguf_name(name), bytes_of_rows, raw_dtype=gguf.GGMLQuantizationType.BF16)
        return
    values = checkpoint.to_fp32(bits)
    writer.add_tensor(gguf_name(name), values.astype(np.float16) if bits.ndim == 2 and dtype == "fp16" else values)


def quantize(source, target, dtype):
    """Writes the GGUF file again as llama.cpp quantises it."""
    import llama_cpp as api  # only here: its absence keeps nobody from writing floats

    params = api.llama_model_quantize_default_params()
    params.ftype = {"q8_0": api.LLAMA_FTYPE_MOSTLY_Q8_0, "q4_0": api.LLAMA_FTYPE_MOSTLY_Q4_0}[dtype]
    if api.llama_model_quantize(str(source).encode(), str(target).encode(), params) != 0:
        raise RuntimeError(f"llama_model_quantize could not make {dtype}")


def write(weights, folder, dtype):
    """Writes model.gguf to `folder`."""
    if dtype in FILE_TYPES:
        write_floats(weights, folder / "model.gguf", dtype)
        return
    floats = folder / "floats.gguf"
    write_floats(weights, floats, "bf16")
    quantize(floats, folder / "model.gguf", dtype)
    floats.unlink()


def write_floats(weights, path, dtype):
    """Writes the GGUF file, unquantised."""
    writer = gguf.GGUFWriter(path, "llama")
    add_config(writer, weights.config, dtype)
    add_vocabulary(writer, weights.config["vocab_size"])
    for name in weights.header:
        if name != "__metadata__":
            add_weight(writer, weights, name, dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
