"""Makes tests/fixtures/gguf with gguf-py: GGUF files of the model and tokenizer fixtures, quantised ones, and blocks; and
the seeds of the GGUF fuzzer.

    .venv-reference/bin/python tests/reference/make_gguf_fixtures.py

README.md beside this file says what each holds. Running it again gives the same bytes.
"""

import json
import pathlib
import shutil

import numpy as np
import sentencepiece
from gguf import GGMLQuantizationType as Type
from gguf import GGML_QUANT_SIZES, GGUFWriter, RopeScalingType, TokenType, quants
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
OUTPUT = FIXTURES / "gguf"
CORPUS = ROOT / "fuzz" / "corpus" / "gguf"
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
LAYER_NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
               "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
               "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
               "mlp.down_proj": "ffn_down", "block_sparse_moe.gate": "ffn_gate_inp", "mlp.gate": "ffn_gate_inp",
               "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp",
               "mlp.shared_expert.down_proj": "ffn_down_shexp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp"}
EXPERT_NAMES = {"w1": "ffn_gate", "w3": "ffn_up", "w2": "ffn_down", "gate_proj": "ffn_gate", "up_proj": "ffn_up",
                "down_proj": "ffn_down"}
EXPANDABLE = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K")
# Where the fp16 scales stand in a block, which random bytes may not make infinite or huge.
SCALES = {"Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q4_K": (0, 2), "Q5_K": (0, 2),
          "Q6_K": (208,)}


def read_safetensors(path):
    """Name to fp32 array; numpy has no bfloat16, so the file is read by hand."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, info in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        raw = data[begin:end]
        values = {"F32": lambda: np.frombuffer(raw, np.float32), "F16": lambda: np.frombuffer(raw, np.float16),
                  "BF16": lambda: (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)}
        tensors[name] = values[info["dtype"]]().astype(np.float32).reshape(info["shape"])
    return tensors


def gguf_name(name):
    module, end = name.rsplit(".", 1)
    if module in NAMES:
        return f"{NAMES[module]}.{end}"
    _, _, layer, rest = module.split(".", 3)
    if ".experts." in rest:
        return f"blk.{layer}.{EXPERT_NAMES[rest.rsplit('.', 1)[1]]}_exps.{end}"
    return f"blk.{layer}.{LAYER_NAMES[rest]}.{end}"


def stacked(tensors):
    """(name, one array) for each tensor that the file gets: of experts, whose names are alike but for their numbers, one."""
    of_name = {}
    for name, values in sorted(tensors.items(), key=lambda each: expert_of(each[0])):
        of_name.setdefault(gguf_name(name), []).append((name, values))
    for experts in of_name.values():
        yield experts[0][0], experts[0][1] if expert_of(experts[0][0]) < 0 else np.stack([each[1] for each in experts])


def expert_of(name):
    return int(name.split(".experts.")[1].split(".")[0]) if ".experts." in name else -1


def permuted(weight, heads):
    """As llama.cpp's converter (LlamaModel.permute): the two halves of each head by turns."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def restored(weight, heads):
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def heads_of(name, config):
    """By how many heads a tensor is permuted, or 0."""
    if config["model_type"] == "qwen2_moe":
        return 0
    return {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}.get(name.split(".")[-2], 0)


def new_writer(name, folder=OUTPUT, architecture="llama"):
    folder.mkdir(parents=True, exist_ok=True)
    return GGUFWriter(folder / f"{name}.gguf", architecture)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_config(writer, config):
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    if experts := config.get("num_local_experts", config.get("num_experts")):
        writer.add_expert_count(experts)
        writer.add_expert_used_count(config["num_experts_per_tok"])
    if config.get("sliding_window"):
        writer.add_sliding_window(config["sliding_window"])
    if "moe_intermediate_size" in config:
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    if config.get("norm_topk_prob"):
        writer.add_expert_weights_norm(True)


def llama3_divisors(config):
    """What llama.cpp's converter stores for llama3's scaling (LlamaModel.generate_extra_tensors)."""
    scaling, dim = config["rope_scaling"], config["head_dim"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    divisors = []
    for frequency in config["rope_theta"] ** -(np.arange(0, dim, 2) / dim):
        turns = scaling["original_max_position_embeddings"] * frequency / (2 * np.pi)
        smooth = (turns - low) / (high - low)
        divisors.append(1 if turns > high else scaling["factor"] if turns < low
                        else 1 / ((1 - smooth) / scaling["factor"] + smooth))
    return np.array(divisors, np.float32)


def write_weight(writer, name, weight, kind):
    """`weight` in llama.cpp's order; norms, biases and what experts are chosen by are always fp32, as its converter has
    them, which leaves out sizes of 1, too."""
    weight = weight.squeeze()
    kind = kind if weight.ndim > 1 and "ffn_gate_inp" not in gguf_name(name) else Type.F32
    writer.add_tensor(gguf_name(name), quants.quantize(weight, kind), raw_dtype=kind)


def make_model(name, kind):
    """A model fixture as llama.cpp's converter would write it, its matrices of type `kind`."""
    config = json.loads((FIXTURES / "models" / name / "config.json").read_text())
    writer = new_writer(name, architecture={"qwen2_moe": "qwen2moe"}.get(config["model_type"], "llama"))
    write_config(writer, config)
    if config.get("rope_scaling"):
        writer.add_tensor("rope_freqs.weight", llama3_divisors(config))
    for each, weight in stacked(read_safetensors(FIXTURES / "models" / name / "model.safetensors")):
        heads = heads_of(each, config)
        write_weight(writer, each, permuted(weight, heads) if heads else weight, kind)
    finish(writer)


def random_blocks(rng, kind, count, largest):
    """Blocks of random bytes whose scales are random fp16 numbers up to `largest`, either sign, some subnormal."""
    blocks = rng.integers(0, 256, (count, GGML_QUANT_SIZES[Type[kind]][1]), np.uint8)
    for place in SCALES[kind]:
        scales = (rng.uniform(-largest, largest, count) * 2.0 ** rng.integers(-12, 1, count)).astype(np.float16)
        blocks[:, place:place + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks


def make_blocks():
    """Blocks of every type, by gguf-py's quantiser where it has one and random ones, and what gguf-py expands them to."""
    rng = np.random.default_rng(5)
    tensors = {}
    for kind in EXPANDABLE:
        blocks = random_blocks(rng, kind, 8, 4.0)
        if "K" not in kind:
            rows = rng.normal(0, 1, (4, 32)).astype(np.float32)
            rows[3] = 0
            blocks = np.concatenate([quants.quantize(rows, Type[kind]), blocks])
        values = quants.dequantize(blocks, Type[kind])
        assert np.isfinite(values).all()
        tensors[f"{kind}.blocks"], tensors[f"{kind}.values"] = blocks, values
    save_file(tensors, OUTPUT / "blocks.safetensors")


def make_quantised(name, config, kinds, writer):
    """NAME.gguf of random weights, and beside it NAME/ with the same weights expanded by gguf-py, as transformers names
    and orders them. `kinds` says the type of each matrix, by the end of its module's name."""
    rng = np.random.default_rng(7)
    hidden, width = config["hidden_size"], config["intermediate_size"]
    q, kv = (config[key] * config["head_dim"] for key in ("num_attention_heads", "num_key_value_heads"))
    shapes = {"model.embed_tokens": (config["vocab_size"], hidden), "model.norm": (hidden,)}
    for layer in range(config["num_hidden_layers"]):
        of_layer = {"input_layernorm": (hidden,), "self_attn.q_proj": (q, hidden), "self_attn.k_proj": (kv, hidden),
                    "self_attn.v_proj": (kv, hidden), "self_attn.o_proj": (hidden, q),
                    "post_attention_layernorm": (hidden,)}
        if experts := config.get("num_local_experts"):
            of_layer["block_sparse_moe.gate"] = (experts, hidden)
            of_layer.update({f"block_sparse_moe.experts.{expert}.{matrix}": (hidden, width) if matrix == "w2" else (width, hidden)
                             for expert in range(experts) for matrix in ("w1", "w2", "w3")})
        else:
            of_layer.update({"mlp.gate_proj": (width, hidden), "mlp.up_proj": (width, hidden), "mlp.down_proj": (hidden, width)})
        shapes.update({f"model.layers.{layer}.{module}": shape for module, shape in of_layer.items()})
    write_config(writer, config)
    expanded, stored = {}, {}
    for module, shape in shapes.items():
        each, kind = f"{module}.weight", kinds.get(module.split(".")[-1], "F32")
        if "K" in kind:
            # gguf-py only expands these: the weights are what random blocks expand to.
            count = shape[0] * shape[1] // 256
            raw = random_blocks(rng, kind, count, 0.3 / (32 if kind == "Q6_K" else 16 if kind == "Q5_K" else 8) / 32)
            raw = raw.reshape(shape[0], -1)
        else:
            raw = quants.quantize(rng.normal(1 if len(shape) == 1 else 0, 0.35, shape).astype(np.float32), Type[kind])
        stored[each] = raw
        values, heads = quants.dequantize(raw, Type[kind]).reshape(shape), heads_of(each, config)
        expanded[each] = np.ascontiguousarray(restored(values, heads) if heads else values)
    for each, raw in stacked(stored):
        writer.add_tensor(gguf_name(each), raw, raw_dtype=Type[kinds.get(each.split(".")[-2], "F32")])
    finish(writer)
    shutil.rmtree(OUTPUT / name, ignore_errors=True)
    (OUTPUT / name).mkdir()
    (OUTPUT / name / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(expanded, OUTPUT / name / "model.safetensors")


def write_sentencepiece(writer):
    """As llama.cpp's converter writes a tokenizer.model (_create_vocab_sentencepiece)."""
    processor = sentencepiece.SentencePieceProcessor(str(FIXTURES / "tokenizers" / "sentencepiece" / "tokenizer.model"))
    types = []
    for token in range(processor.get_piece_size()):
        types.append(TokenType.UNKNOWN if processor.is_unknown(token) else
                     TokenType.CONTROL if processor.is_control(token) else
                     TokenType.BYTE if processor.is_byte(token) else TokenType.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([processor.id_to_piece(token) for token in range(len(types))])
    writer.add_token_scores([processor.get_score(token) for token in range(len(types))])
    writer.add_token_types(types)


def make_tokenizers():
    writer = new_writer("tokenizer_sentencepiece")
    write_sentencepiece(writer)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    finish(writer)

    # A tokenizer.json of the same kind: merges in the order of ids are scores that fall with them.
    tokenizer = json.loads((FIXTURES / "tokenizers" / "metaspace" / "tokenizer.json").read_text())
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    writer = new_writer("tokenizer_metaspace")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(token) for token in range(len(tokens))])
    writer.add_token_types([TokenType.UNKNOWN if token == 0 else TokenType.CONTROL if token < 3 else
                            TokenType.BYTE if token < 259 else TokenType.NORMAL for token in range(len(tokens))])
    writer.add_unk_token_id(0)
    finish(writer)

    demo = ROOT / "models" / "demo"
    tokenizer = json.loads((demo / "tokenizer.json").read_text())
    config = json.loads((demo / "tokenizer_config.json").read_text())
    vocab, special = tokenizer["model"]["vocab"], {token["id"] for token in tokenizer["added_tokens"]}
    tokens = sorted(vocab, key=vocab.get)
    writer = new_writer("tokenizer_demo")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if token in special else TokenType.NORMAL for token in range(len(tokens))])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge)
                             for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(vocab[config["bos_token"]])
    writer.add_eos_token_id(vocab[config["eos_token"]])
    writer.add_pad_token_id(vocab[config["pad_token"]])
    writer.add_chat_template(config["chat_template"])
    finish(writer)


def make_seeds():
    """Small files, each with another part of the format in it."""
    config = {"hidden_size": 32, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
              "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 3, "max_position_embeddings": 64,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "bos_token_id": 1, "eos_token_id": 2}

    def seed(name, architecture="llama", **more):
        writer = new_writer(name, CORPUS, architecture)
        write_config(writer, {**config, **more})
        return writer

    writer = seed("tensors")
    writer.add_tensor("rope_freqs.weight", np.ones(8, np.float32))
    for kind in EXPANDABLE:
        block = random_blocks(np.random.default_rng(1), kind, 1, 1.0)
        writer.add_tensor(f"of.{kind}", block, raw_dtype=Type[kind])
    finish(writer)
    writer = seed("values")
    for add, value in ((writer.add_uint8, 1), (writer.add_int8, -1), (writer.add_uint16, 2), (writer.add_int16, -2),
                       (writer.add_int32, -3), (writer.add_uint64, 4), (writer.add_int64, -4), (writer.add_float64, .5),
                       (writer.add_bool, True), (writer.add_array, [1, 2, 3]), (writer.add_array, [.5, 1.5])):
        add(f"value.{len(writer.kv_data[0])}", value)
    finish(writer)
    writer = seed("yarn")
    writer.add_rope_scaling_type(RopeScalingType.YARN)
    writer.add_rope_scaling_factor(4.0)
    writer.add_rope_scaling_orig_ctx_len(16)
    finish(writer)
    writer = seed("mixture", **{"num_local_experts": 2, "num_experts_per_tok": 1})
    writer.add_tensor("blk.0.ffn_gate_exps.weight", np.ones((2, 8, 32), np.float32))
    finish(writer)
    writer = seed("shared_expert", "qwen2moe", **{"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 4,
                                                  "shared_expert_intermediate_size": 8, "norm_topk_prob": True})
    writer.add_tensor("blk.0.ffn_gate_inp_shexp.weight", np.ones(32, np.float32))
    finish(writer)
    writer = seed("sentencepiece")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", "▁", "O", "n", "on", "▁t", "<x>"])
    writer.add_token_scores([0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -4.0, -5.0, 0.0])
    writer.add_token_types([TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.NORMAL] * 5, TokenType.USER_DEFINED])
    finish(writer)
    writer = seed("byte_level")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(["O", "n", "on", "Ġ", "ĠO", "<|eot_id|>"])
    writer.add_token_types([*[TokenType.NORMAL] * 5, TokenType.CONTROL])
    writer.add_token_merges(["Ġ O"])
    writer.add_chat_template("{{ bos_token }}")
    finish(writer)


def main():
    make_model("fp16", Type.F16)
    make_model("bf16", Type.BF16)
    make_model("biases", Type.F32)
    make_model("rope_llama3", Type.F32)
    make_model("mixtral", Type.F32)
    make_model("qwen2_moe", Type.F32)
    make_model("qwen2_moe_step", Type.F32)
    base = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "num_hidden_layers": 1,
            "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "bos_token_id": 1,
            "eos_token_id": 2, "tie_word_embeddings": True, "torch_dtype": "float32"}
    writer = new_writer("q8_0")
    write_sentencepiece(writer)
    matrices = ("embed_tokens", "q_proj", "k_proj", "v_proj", "o_proj")
    make_quantised("q8_0", {**base, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2,
                            "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 440},
                   {**{matrix: "Q8_0" for matrix in matrices}, "gate_proj": "Q4_0", "up_proj": "Q4_1",
                    "down_proj": "Q4_0"}, writer)
    # As llama.cpp mixes types for Q4_K_M, with another type where rows are no multiple of 256.
    make_quantised("q4_k_m", {**base, "hidden_size": 256, "intermediate_size": 32, "num_attention_heads": 2,
                              "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 64},
                   {"embed_tokens": "Q6_K", "q_proj": "Q4_K", "k_proj": "Q4_K", "v_proj": "Q6_K", "o_proj": "F16",
                    "gate_proj": "Q4_K", "up_proj": "Q5_K", "down_proj": "Q5_0"}, new_writer("q4_k_m"))
    mixtral = {**base, "architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "num_key_value_heads": 1,
               "num_attention_heads": 2, "num_experts_per_tok": 2, "sliding_window": None}
    make_quantised("mixtral_q8_0", {**mixtral, "hidden_size": 32, "intermediate_size": 64, "head_dim": 16, "vocab_size": 64,
                                    "num_local_experts": 4},
                   {**{matrix: "Q8_0" for matrix in (*matrices, "w1", "w3")}, "w2": "Q4_0"}, new_writer("mixtral_q8_0"))
    make_quantised("mixtral_q4_k_m", {**mixtral, "hidden_size": 256, "intermediate_size": 32, "head_dim": 8, "vocab_size": 64,
                                      "num_local_experts": 3},
                   {"embed_tokens": "Q6_K", "q_proj": "Q4_K", "k_proj": "Q4_K", "v_proj": "Q6_K", "o_proj": "F16",
                    "w1": "Q4_K", "w3": "Q4_K", "w2": "Q8_0"}, new_writer("mixtral_q4_k_m"))
    make_blocks()
    make_tokenizers()
    make_seeds()
    for path in sorted([*OUTPUT.rglob("*"), *CORPUS.iterdir()]):
        if path.is_file():
            print(f"{path.stat().st_size:8} {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
