"""Makes tests/fixtures/models: tiny random checkpoints and what transformers computes with them.

Run by hand, in a virtual environment of its own (see README.md beside this file):

    .venv-reference/bin/python tests/reference/make_model_fixtures.py [--demo [FOLDER]] [--story FOLDER]

Each fixture is a checkpoint folder plus expected.json and expected.safetensors, which README.md describes. The script fails
if a feature that a fixture is for does not change its logits, so that no fixture tests nothing, if the spellings of a rope
config disagree, and if transformers' own generate() writes other tokens. Running it again gives the same bytes.
"""

import argparse
import copy
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          MixtralConfig, MixtralForCausalLM, Qwen2MoeConfig, Qwen2MoeForCausalLM)

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "fixtures" / "models"
GREEDY_TOKENS = 64
# Generated positions whose logits are stored: enough to see decode drift, few enough to stay small.
DECODE_STEPS = (15, 31, 47, 63)
VOCAB = 131

# Sizes that are no multiples of a vector or a tile.
BASE = {
    "hidden_size": 36, "intermediate_size": 52, "num_hidden_layers": 2, "num_attention_heads": 6,
    "num_key_value_heads": 3, "head_dim": 10, "vocab_size": VOCAB, "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
# With theta 100 and ten dimensions the ramp has pairs inside it, so that its ends (beta_fast, beta_slow) matter.
YARN = {"factor": 4.0, "original_max_position_embeddings": 32}
YARN_BETAS = {"factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 4.0, "beta_slow": 0.5}
YARN_MSCALE = {**YARN_BETAS, "mscale": 1.0, "mscale_all_dim": 0.4, "truncate": False}


QWEN2_MOE = {"num_experts": 7, "num_experts_per_tok": 3, "moe_intermediate_size": 20,
             "shared_expert_intermediate_size": 44, "norm_topk_prob": False, "rope_theta": 500.0}

KINDS = {"llama": (LlamaConfig, LlamaForCausalLM), "mistral": (MistralConfig, MistralForCausalLM),
         "mixtral": (MixtralConfig, MixtralForCausalLM), "qwen2_moe": (Qwen2MoeConfig, Qwen2MoeForCausalLM)}


def without_key(rope, key):
    return {"rope_scaling": {name: value for name, value in rope.items() if name != key}}


# name: config beyond BASE; "without": changes that each switch one feature off; "spelling": how config.json writes rope;
# "prompts": their lengths.
FIXTURES = {
    "mha": {"config": {"num_key_value_heads": 6, "head_dim": 6}},
    "gqa_odd_head": {"config": {}},
    "mqa": {"config": {"num_key_value_heads": 1}, "shards": 2},
    "tied_embedding": {"config": {"tie_word_embeddings": True}},
    "tied_head": {"config": {"tie_word_embeddings": True}, "store_as_head": True},
    "biases": {"config": {"attention_bias": True, "mlp_bias": True},
               "without": [{"attention_bias": False}, {"mlp_bias": False}]},
    "rope_theta": {"config": {"rope_theta": 500.0}, "without": [{"rope_theta": 10000.0}]},
    "rope_linear": {"config": {"rope_scaling": {"type": "linear", "factor": 3.0}}, "spelling": "type",
                    "without": [{"rope_scaling": None}]},
    "rope_dynamic": {"config": {"rope_scaling": {"type": "dynamic", "factor": 4.0}, "max_position_embeddings": 48},
                     "spelling": "type", "without": [{"rope_scaling": None}], "prompts": (60, 20, 1)},
    "rope_llama3": {"config": {"rope_scaling": {"rope_type": "llama3", **LLAMA3}, "rope_theta": 500.0},
                    "spelling": "rope_type", "without": [{"rope_scaling": None}]},
    # Prompts of exactly the trained context and one more: no growth at 48, growth at 49.
    "rope_dynamic_edge": {"config": {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}, "num_hidden_layers": 1,
                                     "max_position_embeddings": 48},
                          "spelling": "parameters", "without": [{"rope_scaling": None}], "prompts": (49, 48)},
    "rope_yarn": {"config": {"rope_scaling": {"rope_type": "yarn", **YARN}, "max_position_embeddings": 128,
                             "rope_theta": 100.0},
                  "spelling": "parameters", "without": [{"rope_scaling": None}]},
    "rope_yarn_old": {"config": {"rope_scaling": {"type": "yarn", **YARN_BETAS, "attention_factor": 1.2},
                                 "rope_theta": 100.0},
                      "spelling": "type",
                      "without": [{"rope_scaling": None}, *(without_key({"type": "yarn", **YARN_BETAS,
                                                                         "attention_factor": 1.2}, key)
                                                            for key in ("beta_fast", "beta_slow", "attention_factor"))]},
    "rope_yarn_mscale": {"config": {"rope_scaling": {"rope_type": "yarn", **YARN_MSCALE}, "num_hidden_layers": 1,
                                    "rope_theta": 100.0},
                         "spelling": "rope_type",
                         "without": [without_key({"rope_type": "yarn", **YARN_MSCALE}, key)
                                     for key in ("mscale", "truncate")]},
    "sliding_window": {"config": {"sliding_window": 8}, "kind": "mistral",
                       "without": [{"sliding_window": None}, {"sliding_window": 9}]},
    "mixtral": {"config": {"num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 24, "rope_theta": 500.0},
                "kind": "mixtral", "without": [{"num_experts_per_tok": 1}, {"num_experts_per_tok": 3}]},
    # An MLP in the second layer.
    "qwen2_moe": {"config": {**QWEN2_MOE, "num_hidden_layers": 3, "mlp_only_layers": [1]}, "kind": "qwen2_moe",
                  "without": [{"norm_topk_prob": True}, {"num_experts_per_tok": 2}]},
    # An MLP in the first.
    "qwen2_moe_step": {"config": {**QWEN2_MOE, "decoder_sparse_step": 2, "norm_topk_prob": True, "qkv_bias": False},
                       "kind": "qwen2_moe", "without": [{"norm_topk_prob": False}]},
    "fp16": {"config": {}, "dtype": torch.float16},
    "bf16": {"config": {}, "dtype": torch.bfloat16},
}


def make_model(spec, overrides=None):
    """The model with its random weights, in fp32; the same weights whatever `overrides` changes of the config."""
    config_type, model_type = KINDS[spec.get("kind", "llama")]
    config = config_type(**copy.deepcopy({**BASE, **spec["config"], **(overrides or {})}))
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
def forget(model):
    """Undoes what a longer sequence left in a dynamic rope: only a sequence within the trained context resets it."""
    model(torch.tensor([[0]]))


@torch.no_grad()
def logits_of(model, ids):
    forget(model)
    return model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).logits[0].float()


@torch.no_grad()
def greedy(model, ids, count=GREEDY_TOKENS, stop=()):
    """Greedy tokens through the KV cache, and the logits that each was chosen from, [tokens, vocab]."""
    forget(model)
    out, rows, cache, step = [], [], None, torch.tensor([ids])
    while len(out) < count:
        result = model(step, past_key_values=cache, use_cache=True,
                       attention_mask=torch.ones(1, len(ids) + len(out), dtype=torch.long))
        cache = result.past_key_values
        rows.append(result.logits[0, -1].float())
        out.append(rows[-1].argmax().item())
        if out[-1] in stop:
            break
        step = torch.tensor([[out[-1]]])
    return out, torch.stack(rows)


def gaps_of(rows):
    """How far the best logit of each row is above the second: where this is tiny, another token is no mistake."""
    best = torch.topk(rows, 2).values
    return [round(gap, 6) for gap in (best[:, 0] - best[:, 1]).tolist()]


@torch.no_grad()
def check_generate(model, ids, tokens):
    """Our loop over the KV cache is what generate() does."""
    forget(model)
    model.generation_config.eos_token_id = None
    ids = torch.tensor([ids])
    made = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=len(tokens),
                          pad_token_id=0)
    assert made[0, ids.shape[1]:].tolist() == tokens, "generate() writes other tokens"


def check_loop(name, prompt, tokens):
    assert len(set(tokens[-16:])) > 1, f"{name}: the prompt of {len(prompt)} tokens falls into a loop of one token"


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
    spell_rope(config, spec.get("spelling", "rope_type"))
    config["dtype" if spec.get("spelling") == "parameters" else "torch_dtype"] = dtype
    return config


def spell_rope(config, spelling):
    """Writes a config's rope as `spelling` has it: rope_scaling with "type" or "rope_type", or rope_parameters."""
    config.pop("rope_parameters", None)
    scaling, theta = config.pop("rope_scaling", None), config.pop("rope_theta", 10000.0)
    if scaling:
        kind = scaling.get("type") or scaling["rope_type"]
        rest = {key: value for key, value in scaling.items() if key not in ("type", "rope_type")}
        scaling = {"type" if spelling == "type" else "rope_type": kind, **rest}
    if spelling == "parameters":
        config["rope_parameters"] = {**(scaling or {"rope_type": "default"}), "rope_theta": theta}
        return
    config["rope_theta"] = theta
    if scaling:
        config["rope_scaling"] = scaling


def published(weights, kind):
    """The weights of experts one by one, under the names that checkpoints have; transformers 5 has them in one tensor."""
    mixtral = kind == "mixtral"
    gate_name, up_name, down_name = ("w1", "w3", "w2") if mixtral else ("gate_proj", "up_proj", "down_proj")
    out = {}
    for name, tensor in weights.items():
        name = name.replace(".mlp.", ".block_sparse_moe.") if mixtral else name
        if not name.endswith((".experts.gate_up_proj", ".experts.down_proj")):
            out[name] = tensor
            continue
        parts = {down_name: tensor}
        if name.endswith("gate_up_proj"):
            parts = dict(zip((gate_name, up_name), tensor.chunk(2, dim=1)))
        prefix = name[:name.rindex(".")]
        out.update({f"{prefix}.{expert}.{part}.weight": matrices[expert].clone()
                    for part, matrices in parts.items() for expert in range(len(matrices))})
    return out


def save_weights(model, spec, folder):
    dtype = spec.get("dtype", torch.float32)
    weights = published({name: tensor.to(dtype).clone() for name, tensor in model.state_dict().items()},
                        spec.get("kind"))
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
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": sum(tensor.nbytes for tensor in weights.values())}, "weight_map": weight_map},
        indent=1) + "\n")


def load_checked(folder):
    """The checkpoint as transformers reads it in fp32; every weight found, none left over, tied where it says so."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                       output_loading_info=True)
    assert not any(info.values()), f"{folder.name}: {info}"
    tied = model.lm_head.weight is model.get_input_embeddings().weight
    assert tied == model.config.tie_word_embeddings, f"{folder.name}: tied is {tied}"
    return model.eval()


def check_loads_in_transformers(folder, model, spec):
    """The folder as written, and in every other spelling of its rope, gives the logits of the model in memory."""
    written = (folder / "config.json").read_text()
    ids = prompts_of(spec)[0]
    expected = logits_of(model, ids)
    for spelling in ("type", "rope_type", "parameters", None):
        if spelling:
            config = json.loads(written)
            if "rope_parameters" in config:
                rope = config.pop("rope_parameters")
                config.update(rope_theta=rope.pop("rope_theta"), rope_scaling=rope)
            spell_rope(config, spelling)
            (folder / "config.json").write_text(json.dumps(config))
        else:
            (folder / "config.json").write_text(written)
        difference = (logits_of(load_checked(folder), ids) - expected).abs().max().item()
        assert difference < 1e-5, f"{folder.name}, spelling {spelling}: transformers differs by {difference}"


def check_features(name, spec, ids, logits):
    """The smallest change of the logits, as a fraction of the largest, when one feature is switched off."""
    changes = []
    for change in spec.get("without", []):
        difference = (logits_of(make_model(spec, change), ids) - logits).abs().max() / logits.abs().max()
        assert difference > 0.01, f"{name}: {change} changes the logits by {difference} only"
        changes.append(difference.item())
    return min(changes, default=0.0)


def expectations(name, model, prompts):
    """expected.json's record of each prompt, and the tensors of expected.safetensors."""
    records, tensors = [], {}
    for i, ids in enumerate(prompts):
        tokens, rows = greedy(model, ids)
        check_generate(model, ids, tokens)
        check_loop(name, ids, tokens)
        gaps = gaps_of(rows)
        records.append({"input_ids": ids, "greedy": tokens, "smallest_gap": min(gaps), "gaps": gaps})
        tensors[f"logits.{i}"] = logits_of(model, ids)
        tensors[f"decode.{i}"] = rows[list(DECODE_STEPS)]
    return records, tensors


def make_fixture(name, spec):
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = make_model(spec)
    prompts = prompts_of(spec)
    save_weights(model, spec, folder)
    (folder / "config.json").write_text(json.dumps(written_config(model, spec), indent=1) + "\n")
    check_loads_in_transformers(folder, model, spec)
    records, tensors = expectations(name, model, prompts)
    change = check_features(name, spec, prompts[0], tensors["logits.0"])
    record = {"prompts": records}
    if "dtype" in spec:
        # How far transformers' own half-precision arithmetic is from fp32 on the same weights: our bound's scale.
        low = make_model(spec).to(spec["dtype"])
        halves = [logits_of(low, ids) for ids in prompts]
        errors = [((half - tensors[f"logits.{i}"]).abs().max() / tensors[f"logits.{i}"].abs().max()).item()
                  for i, half in enumerate(halves)]
        record["transformers_half_error"] = max(errors)
        tensors.update({f"half.{i}": half.to(spec["dtype"]) for i, half in enumerate(halves)})
    (folder / "expected.json").write_text(json.dumps(record) + "\n")
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / "expected.safetensors")
    gap = min(prompt["smallest_gap"] for prompt in records)
    print(f"{name:18} smallest gap {gap:.4f}  least change {change:.2f}  "
          f"half error {record.get('transformers_half_error', 0):.2e}")


def make_text_fixture(name, folder, prompts):
    """What transformers writes after each prompt with a real checkpoint, in fp32, greedily."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = load_checked(folder)
    eos = model.generation_config.eos_token_id
    stop = set(eos if isinstance(eos, list) else [eos])
    records = []
    for prompt in prompts:
        ids = tokenizer.encode(prompt).ids
        tokens, rows = greedy(model, ids, 256, stop)
        gaps = gaps_of(rows)
        records.append({"prompt": prompt, "input_ids": ids, "greedy": tokens, "smallest_gap": min(gaps), "gaps": gaps,
                        "text": tokenizer.decode([t for t in ids + tokens if t not in stop])})
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{name}_expected.json").write_text(json.dumps({"prompts": records}, ensure_ascii=False) + "\n")
    print(name, [len(prompt["greedy"]) for prompt in records], min(r["smallest_gap"] for r in records),
          records[0]["text"][:80])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--demo", type=pathlib.Path, nargs="?", const=ROOT / "models" / "demo",
                        help="make demo_expected.json from this checkpoint (models/demo) only")
    parser.add_argument("--story", type=pathlib.Path, help="make story_expected.json from this checkpoint only")
    parser.add_argument("--only", nargs="+", choices=FIXTURES, help="make these fixtures only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.demo:
        make_text_fixture("demo", arguments.demo, ["Once upon a time", "从前", "One rainy morning, "])
    if arguments.story:
        make_text_fixture("story", arguments.story, ["Once upon a time", "Lily had a dog"])
    if not arguments.demo and not arguments.story:
        for name in arguments.only or FIXTURES:
            make_fixture(name, FIXTURES[name])


if __name__ == "__main__":
    main()
