#!/usr/bin/env python3
"""Writes a checkpoint of LLaMA-2-7B's shape, bf16, 13.5 GB, in three shards with their index.

For measuring by hand how much memory and time loading takes:

    python3 tests/reference/make_big_checkpoint.py /tmp/big
    caravan run --model-path /tmp/big --input-ids 1,2,3 --max-output-length 1

Its weights are one megabyte of small random numbers, over and over: cheap to write, and not so regular that a file
system would leave them out. It needs nothing but Python. --layers makes a smaller one.
"""

import argparse
import json
import pathlib
import random
import struct
import sys

HIDDEN, INTERMEDIATE, VOCAB, HEADS = 4096, 11008, 32000, 32
SHARDS = 3
BYTES_PER_ELEMENT = 2  # bf16
ONES = struct.pack("<H", 0x3F80)  # 1.0 in bf16, for norms


def tensors(layers):
    """Name and shape of every weight, in the order of the layers."""
    yield "model.embed_tokens.weight", [VOCAB, HIDDEN]
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield f"{prefix}self_attn.{name}.weight", [HIDDEN, HIDDEN]
        yield f"{prefix}mlp.gate_proj.weight", [INTERMEDIATE, HIDDEN]
        yield f"{prefix}mlp.up_proj.weight", [INTERMEDIATE, HIDDEN]
        yield f"{prefix}mlp.down_proj.weight", [HIDDEN, INTERMEDIATE]
        yield f"{prefix}input_layernorm.weight", [HIDDEN]
        yield f"{prefix}post_attention_layernorm.weight", [HIDDEN]
    yield "model.norm.weight", [HIDDEN]
    yield "lm_head.weight", [VOCAB, HIDDEN]


def size_of(shape):
    size = BYTES_PER_ELEMENT
    for dimension in shape:
        size *= dimension
    return size


def random_block():
    """One megabyte of bf16 numbers of either sign from 2^-7 to 2^-5, about the spread of trained weights."""
    generator = random.Random(0)
    numbers = (generator.getrandbits(1) << 15 | generator.randrange(0x3C00, 0x3D00) for _ in range(1 << 19))
    return b"".join(struct.pack("<H", number) for number in numbers)


def write_shard(path, entries, block):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in entries:
        end = offset + size_of(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in entries:
            left = size_of(shape)
            if name.endswith("norm.weight"):
                file.write(ONES * (left // len(ONES)))
                continue
            while left > 0:
                file.write(block[: min(left, len(block))])
                left -= len(block)


def split(entries):
    """The entries in SHARDS runs of about the same number of bytes."""
    total, done, shards = sum(size_of(shape) for _, shape in entries), 0, [[] for _ in range(SHARDS)]
    for name, shape in entries:
        shards[done * SHARDS // total].append((name, shape))
        done += size_of(shape)
    return shards


def write_config(folder, layers):
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "vocab_size": VOCAB,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where to write; made if it is not there")
    parser.add_argument("--layers", type=int, default=32, help="32 is LLaMA-2-7B")
    arguments = parser.parse_args()
    if arguments.layers < 1:
        sys.exit(f"--layers: found {arguments.layers}, expected at least 1")
    arguments.folder.mkdir(parents=True, exist_ok=True)

    entries = list(tensors(arguments.layers))
    block, weight_map = random_block(), {}
    for number, shard in enumerate(split(entries), start=1):
        name = f"model-{number:05}-of-{SHARDS:05}.safetensors"
        write_shard(arguments.folder / name, shard, block)
        weight_map.update((tensor, name) for tensor, _ in shard)
        print(f"wrote {name}: {len(shard)} tensors")
    total = sum(size_of(shape) for _, shape in entries)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (arguments.folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    write_config(arguments.folder, arguments.layers)
    print(f"{total} bytes of weights in {arguments.folder}")


if __name__ == "__main__":
    main()
