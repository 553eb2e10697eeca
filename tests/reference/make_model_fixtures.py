"""Makes tests/fixtures/models: tiny random checkpoints and what transformers computes with them.

Run by hand, in a virtual environment of its own (see README.md beside this file):

    .venv-reference/bin/python tests/reference/make_model_fixtures.py [--demo] [--story ../shared/models/story]

Each fixture is a checkpoint folder plus expected.json (prompts, 64 greedy tokens each, the smallest gap between the best
and the second logit) and expected.safetensors ("logits.i": fp32 logits of every position of prompt i). The script fails if
the feature that a fixture is for does not change its logits, so that no fixture tests nothing.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "fixtures" / "models"
GREEDY_TOKENS = 64
VOCAB = 131

# Sizes that are no multiples of a vector or a tile.
BASE = {
    "hidden_size": 36, "intermediate_size": 52, "num_hidden_layers": 2, "num_attention_heads": 6,
    "num_key_value_heads": 3, "head_dim": 10, "vocab_size": VOCAB, "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
YARN = {"factor": 4.0, "original_max_position_embeddings": 32}

# name: config beyond BASE; "without": what to change to switch the feature off; "spelling": how config.json writes rope;
# "prompts": their lengths.
FIXTURES = {
    "mha": {"config": {"num_key_value_heads": 6, "head_dim": 6}},
    "gqa_odd_head": {"config": {}},
    "mqa": {"config": {"num_key_value_heads": 1}, "shards": 2},
    "tied_embedding": {"config": {"tie_word_embeddings": True}},
    "tied_head": {"config": {"tie_word_embeddings": True}, "store_as_head": True},
    "biases": {"config": {"attention_bias": True, "mlp_bias": True},
               "without": {"attention_bias": False, "mlp_bias": False}},
    "rope_theta": {"config": {"rope_theta": 500.0}, "without": {"rope_theta": 10000.0}},
    "rope_linear": {"config": {"rope_scaling": {"type": "linear", "factor": 3.0}}, "spelling": "type",
                    "without": {"rope_scaling": None}},
    "rope_dynamic": {"config": {"rope_scaling": {"type": "dynamic", "factor": 4.0}, "max_position_embeddings": 48},
                     "spelling": "type", "without": {"rope_scaling": None}, "prompts": (60, 20, 1)},
    "rope_llama3": {"config": {"rope_scaling": {"rope_type": "llama3", **LLAMA3}, "rope_theta": 500.0},
                    "spelling": "rope_type", "without": {"rope_scaling": None}},
    "rope_yarn": {"config": {"rope_scaling": {"rope_type": "yarn", **YARN}, "max_position_embeddings": 128},
                  "spelling": "parameters", "without": {"rope_scaling": None}},
    "rope_yarn_old": {"config": {"rope_scaling": {"type": "yarn", **YARN, "attention_factor": 1.2, "beta_fast": 16,
                                                  "beta_slow": 2}, "max_position_embeddings": 128},
                      "spelling": "type", "without": {"rope_scaling": None}},
    "sliding_window": {"config": {"sliding_window": 8}, "mistral": True, "without": {"sliding_window": None}},
    "fp16": {"config": {}, "dtype": torch.float16},
    "bf16": {"config": {}, "dtype": torch.bfloat16},
}


def make_model(spec, overrides=None):
    """The model with its random weights, in fp32; the same weights whatever `overrides` changes of the config."""
    config_type, model_type = ((MistralConfig, MistralForCausalLM) if spec.get("mistral")
                               else (LlamaConfig, LlamaForCausalLM))
    config = config_type(**{**BASE, **spec["config"], **(overrides or {})})
    config._attn_implementation = "eager"
    model = model_type(config).float().eval()
    for name, parameter in sorted(model.named_parameters()):
        generator = torch.Generator().manual_seed(sum(name.encode()))
        if name.endswith("norm.weight"):
            parameter.data = 0.5 + torch.rand(parameter.shape, generator=generator)
        else:
            # Large enough that attention is far from uniform, and greedy text does not fall into a loop at once.
            parameter.data = 0.35 * torch.randn(parameter.shape, generator=generator)
        if "dtype" in spec:
            parameter.data = parameter.data.to(spec["dtype"]).float()
    return model


def prompts_of(spec):
    return [[(7 * i * i + 3 * i + 11 * length) % (VOCAB - 3) + 3 for i in range(length)]
            for length in spec.get("prompts", (37, 1, 12))]


@torch.no_grad()
def logits_of(model, ids):
    return model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).logits[0].float()


@torch.no_grad()
def greedy(model, ids, count=GREEDY_TOKENS, stop=()):
    """Greedy tokens through the KV cache, as generate() makes them, and the smallest gap to the second best logit."""
    out, cache, gap, step = [], None, float("inf"), torch.tensor([ids])
    while len(out) < count:
        result = model(step, past_key_values=cache, use_cache=True,
                       attention_mask=torch.ones(1, len(ids) + len(out), dtype=torch.long))
        cache = result.past_key_values
        best = torch.topk(result.logits[0, -1].float(), 2)
        gap = min(gap, (best.values[0] - best.values[1]).item())
        out.append(best.indices[0].item())
        if out[-1] in stop:
            break
        step = torch.tensor([[out[-1]]])
    return out, gap


def written_config(model, spec):
    """config.json as checkpoints in the wild spell it: transformers 4's fields unless the fixture wants the newest."""
    config = {key: value for key, value in model.config.to_diff_dict().items()
              if key not in ("transformers_version", "dtype", "_name_or_path")}
    config.update({key: BASE[key] for key in BASE})
    config.update(spec["config"])
    config["architectures"] = [type(model).__name__]
    config["model_type"] = model.config.model_type
    config["hidden_act"] = "silu"
    dtype = str(spec.get("dtype", torch.float32)).removeprefix("torch.")
    if spec.get("spelling") == "parameters":
        config["rope_parameters"] = {**config.pop("rope_scaling"), "rope_theta": config.get("rope_theta", 10000.0)}
        config["dtype"] = dtype
    else:
        config.pop("rope_parameters", None)
        config.setdefault("rope_theta", 10000.0)
        config["torch_dtype"] = dtype
    return config


def save_weights(model, spec, folder):
    dtype = spec.get("dtype", torch.float32)
    weights = {name: tensor.to(dtype).clone() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
        if spec.get("store_as_head"):
            weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
    names = sorted(weights)
    shards = spec.get("shards", 1)
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = names[shard * len(names) // shards:(shard + 1) * len(names) // shards]
        save_file({name: weights[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}, indent=1))


def check_loads_in_transformers(folder, model, spec):
    """The folder as written gives transformers the same logits as the model in memory."""
    if spec.get("store_as_head"):
        return  # transformers reads a tied table under the embedding's name only
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = prompts_of(spec)[0]
    difference = (logits_of(loaded, ids) - logits_of(model, ids)).abs().max().item()
    assert difference < 1e-5, f"{folder.name}: transformers reads the folder differently by {difference}"


def make_fixture(name, spec):
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = make_model(spec)
    prompts = prompts_of(spec)
    save_weights(model, spec, folder)
    (folder / "config.json").write_text(json.dumps(written_config(model, spec), indent=1) + "\n")
    check_loads_in_transformers(folder, model, spec)
    logits = [logits_of(model, ids) for ids in prompts]
    if "without" in spec:
        other = logits_of(make_model(spec, spec["without"]), prompts[0])
        change = (other - logits[0]).abs().max().item() / logits[0].abs().max().item()
        assert change > 0.01, f"{name}: switching the feature off changes logits by {change} only"
    record = {"prompts": []}
    for ids, expected in zip(prompts, logits):
        tokens, gap = greedy(model, ids)
        record["prompts"].append({"input_ids": ids, "greedy": tokens, "smallest_gap": gap})
    if "dtype" in spec:
        # How far transformers' own half-precision arithmetic is from fp32 on the same weights: our bound's scale.
        low = [logits_of(make_model(spec).to(spec["dtype"]), ids) for ids in prompts]
        record["transformers_half_error"] = max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(low, logits))
    (folder / "expected.json").write_text(json.dumps(record) + "\n")
    save_file({f"logits.{i}": tensor.contiguous() for i, tensor in enumerate(logits)}, folder / "expected.safetensors")
    gaps = min(prompt["smallest_gap"] for prompt in record["prompts"])
    print(f"{name:16} smallest gap {gaps:.4f}  half error {record.get('transformers_half_error', 0):.2e}")


def make_text_fixture(name, folder, prompts):
    """What transformers writes after each prompt with a real checkpoint, in fp32, greedily."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if (weights := load_file(folder / "model.safetensors")).get("lm_head.weight") is not None:
        # Tied, and stored once under the head's name, which transformers leaves untied from the embedding.
        model.get_input_embeddings().weight.data = weights["lm_head.weight"].float()
        model.tie_weights()
    eos = model.generation_config.eos_token_id
    stop = set(eos if isinstance(eos, list) else [eos])
    record = {"prompts": []}
    for prompt in prompts:
        ids = tokenizer.encode(prompt).ids
        tokens, gap = greedy(model, ids, 256, stop)
        record["prompts"].append({"prompt": prompt, "input_ids": ids, "greedy": tokens, "smallest_gap": gap,
                                  "text": tokenizer.decode([t for t in ids + tokens if t not in stop])})
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{name}_expected.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    print(name, [len(prompt["greedy"]) for prompt in record["prompts"]], record["prompts"][0]["text"][:80])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--demo", action="store_true", help="make demo_expected.json from models/demo only")
    parser.add_argument("--story", type=pathlib.Path, help="make story_expected.json from this checkpoint only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.demo:
        make_text_fixture("demo", ROOT / "models" / "demo", ["Once upon a time", "从前", "One rainy morning, "])
    if arguments.story:
        make_text_fixture("story", arguments.story, ["Once upon a time", "Lily had a dog"])
    if not arguments.demo and not arguments.story:
        for name, spec in FIXTURES.items():
            make_fixture(name, spec)


if __name__ == "__main__":
    main()
