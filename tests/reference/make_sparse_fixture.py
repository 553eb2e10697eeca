"""Makes tests/fixtures/quantized/int_bitmask: a tiny LLaMA that is pruned, quantised to int8 and stored without its zeros by
the compressed-tensors package, and its seed of the fuzzer of quantised checkpoints.

    python3 -m venv .venv-sparse
    .venv-sparse/bin/pip install compressed-tensors==0.13.0 torch==2.8.0 "transformers<5"
    .venv-sparse/bin/python tests/reference/make_sparse_fixture.py

0.13 is the last minor release of the package that writes and reads "sparse-bitmask". README.md beside this file says what the
folder holds. With --check FOLDER it reads a checkpoint that Caravan wrote instead, and compares it with --expected FOLDER, the
same in int8 with its zeros.
"""

import argparse
import json
import pathlib
import shutil
import struct

import torch
from compressed_tensors.compressors import BaseCompressor, ModelCompressor
from compressed_tensors.config import BitmaskConfig
from compressed_tensors.quantization import QuantizationConfig, QuantizationScheme, apply_quantization_config
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import calculate_qparams, compute_dynamic_scales_and_zp
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "fixtures" / "quantized" / "int_bitmask"
SEED = ROOT / "fuzz" / "corpus" / "quantized" / "int_bitmask"
PROMPT = [1] + [(7 * i * i + 3 * i + 5) % 37 + 3 for i in range(11)]

# Sizes that neither 8 nor 64 divides, and large enough that leaving zeros out takes less.
SIZES = {"hidden_size": 72, "intermediate_size": 100, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 12}
BASE = {"num_hidden_layers": 1, "vocab_size": 40, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "bos_token_id": 1,
        "eos_token_id": 2, "tie_word_embeddings": False}
WEIGHTS = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
TOKEN = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}


def make_model():
    config = LlamaConfig(**BASE, **SIZES)
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).to(torch.bfloat16).eval()
    for name, parameter in sorted(model.named_parameters()):
        generator = torch.Generator().manual_seed(sum(name.encode()))
        values = (0.5 + torch.rand(parameter.shape, generator=generator) if name.endswith("norm.weight")
                  else 0.2 * torch.randn(parameter.shape, generator=generator))
        parameter.data = values.to(torch.bfloat16)
    return model


def linears(model):
    return {name: module for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and name != "lm_head"}


def prune(weight, name):
    """Half of each output by magnitude; of attention two of every four."""
    runs = weight.reshape(weight.shape[0], -1, 4 if "self_attn" in name else weight.shape[1])
    least = runs.abs().float().argsort(stable=True, dim=-1)[..., :runs.shape[-1] // 2]
    return runs.scatter(-1, least, 0).reshape(weight.shape)


def main():
    torch.set_num_threads(1)
    model = make_model()
    scheme = QuantizationScheme(targets=["Linear"], weights=WEIGHTS, input_activations=TOKEN, format="int-quantized")
    config = QuantizationConfig(config_groups={"group_0": scheme}, format="int-quantized", ignore=["lm_head"],
                                quantization_status="compressed")
    sparsity = BitmaskConfig(targets=["Linear"], ignore=["lm_head"], global_sparsity=0.5)
    apply_quantization_config(model, config)
    expected = {}
    for name, module in linears(model).items():
        module.weight.data = prune(module.weight.data, name)
        low, high = module.weight.amin(-1, keepdim=True), module.weight.amax(-1, keepdim=True)
        scale, _ = calculate_qparams(low, high, scheme.weights)
        module.weight_scale.data = scale.to(torch.bfloat16)
    compressor = ModelCompressor(sparsity_config=sparsity, quantization_config=config)
    compressor.compress_model(model)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    stored = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(stored, OUTPUT / "model.safetensors", metadata={"format": "pt"})
    values = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "bfloat16",
              "rope_theta": 10000.0, **BASE, **SIZES}
    (OUTPUT / "config.json").write_text(json.dumps(values))
    compressor.update_config(str(OUTPUT))
    values = json.loads((OUTPUT / "config.json").read_text())
    (OUTPUT / "config.json").write_text(json.dumps(values, indent=1) + "\n")
    (OUTPUT / "expected.json").write_text(json.dumps({"input_ids": PROMPT}) + "\n")

    # What the package reads from the folder: numbers, and with their scales in fp32 what they mean.
    numbers = dict(BaseCompressor.load_from_registry("sparse-bitmask", config=sparsity).decompress(str(OUTPUT)))
    plain = make_model().float()
    for name, module in linears(plain).items():
        scale = stored[f"{name}.weight_scale"].float()
        module.weight.data = scale * numbers[f"{name}.weight"].float()
        expected[f"{name}.weight"] = module.weight.data.to(torch.bfloat16)
        module.register_forward_pre_hook(lambda module, inputs: (fake_quantize(
            inputs[0], *compute_dynamic_scales_and_zp(inputs[0], scheme.input_activations, module),
            scheme.input_activations),))
    with torch.no_grad():
        expected["logits"] = plain(torch.tensor([PROMPT])).logits[0].float()
    save_file({name: tensor.clone() for name, tensor in expected.items()}, OUTPUT / "expected.safetensors")
    make_seed()


def make_seed():
    """4 bytes, how long config.json is; it; and model.safetensors with one matrix."""
    config = json.dumps(json.loads((OUTPUT / "config.json").read_text()), separators=(",", ":")).encode()
    kept = {name: tensor for name, tensor in load_file(OUTPUT / "model.safetensors").items() if ".k_proj." in name}
    save_file(kept, SEED)
    SEED.write_bytes(struct.pack("<I", len(config)) + config + SEED.read_bytes())


def check(folder, dense):
    """Every matrix that Caravan wrote without zeros is what it wrote with them."""
    sparsity = json.loads((folder / "config.json").read_text())["quantization_config"]["sparsity_config"]
    compressor = BaseCompressor.load_from_registry("sparse-bitmask", config=BitmaskConfig(**sparsity))
    found = dict(compressor.decompress(str(folder)))
    expected = load_file(dense / "model.safetensors")
    assert set(found) == set(expected), set(found) ^ set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    print(f"{folder}: {len(found)} tensors as in {dense}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("--expected", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.check, arguments.expected)
    else:
        main()
