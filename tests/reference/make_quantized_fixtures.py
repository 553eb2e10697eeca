"""Makes tests/fixtures/quantized: tiny LLaMAs quantised by the compressed-tensors package, and as AutoGPTQ and AutoAWQ pack
theirs; and the seeds of the fuzzer of quantised checkpoints.

    .venv-reference/bin/python tests/reference/make_quantized_fixtures.py

README.md beside this file says what each holds. Running it again gives the same bytes.
"""

import json
import pathlib
import re
import shutil
import struct

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.entrypoints.convert.converters.autoawq import AutoAWQConverter
from compressed_tensors.quantization import QuantizationConfig, QuantizationScheme
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import calculate_qparams, compute_dynamic_scales_and_zp
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "fixtures" / "quantized"
CORPUS = ROOT / "fuzz" / "corpus" / "quantized"
VOCAB = 40
PROMPT = [1] + [(7 * i * i + 3 * i + 5) % (VOCAB - 3) + 3 for i in range(11)]

# Sizes that int32s of 8 or 4 numbers do not divide, and sizes that groups of 16 do.
ODD = {"hidden_size": 20, "intermediate_size": 28, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 10}
EVEN = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
BASE = {"num_hidden_layers": 1, "vocab_size": VOCAB, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
        "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False}


def weights(**more):
    return {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel", **more}


TOKEN = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}
STATIC = {"num_bits": 8, "type": "int", "symmetric": False, "strategy": "tensor", "dynamic": False}
GROUPS = {"num_bits": 4, "strategy": "group", "group_size": 16}

# name: sizes, dtype, and the schemes of compressed-tensors by their targets, with the format of each.
COMPRESSED = {
    "int_token": (ODD, torch.bfloat16, "int-quantized", [(["Linear"], weights(), TOKEN)], ["lm_head"]),
    "int_token_asymmetric": (ODD, torch.float16, "int-quantized",
                             [(["Linear"], weights(symmetric=False), {**TOKEN, "symmetric": False})],
                             ["re:.*lm_head$"]),
    "int_static": (ODD, torch.bfloat16, "int-quantized", [(["Linear"], weights(strategy="tensor"), STATIC)],
                   ["lm_head"]),
    "int4_token": (EVEN, torch.bfloat16, "int-quantized", [(["Linear"], weights(**GROUPS), TOKEN)], ["lm_head"]),
    "pack8": (ODD, torch.float16, "pack-quantized", [(["re:.*_proj$"], weights(), None)], []),
    "pack4": (EVEN, torch.bfloat16, "pack-quantized", [(["Linear"], weights(**GROUPS), None)], ["lm_head"]),
    "pack4_asymmetric": (EVEN, torch.float16, "pack-quantized",
                         [(["Linear"], weights(**GROUPS, symmetric=False), None)], ["lm_head"]),
    "pack4_channel": (ODD, torch.bfloat16, "pack-quantized",
                      [(["Linear"], weights(num_bits=4, symmetric=False), None)], ["lm_head"]),
    "mixed": (EVEN, torch.bfloat16, "mixed-precision",
              [(["Linear"], weights(**GROUPS), None), (["re:.*self_attn.*"], weights(), TOKEN),
               (["model.layers.0.self_attn.o_proj"], weights(), None)], ["lm_head"]),
}
GPTQ = {
    "gptq": {"bits": 4, "group_size": 16, "sym": True, "desc_act": False},
    "gptq_asymmetric": {"bits": 4, "group_size": 16, "sym": False, "desc_act": True, "checkpoint_format": "gptq"},
    "gptq_v2": {"bits": 8, "group_size": -1, "sym": False, "desc_act": False, "checkpoint_format": "gptq_v2"},
}


def make_model(sizes, dtype):
    config = LlamaConfig(**BASE, **sizes)
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).float().eval()
    for name, parameter in sorted(model.named_parameters()):
        generator = torch.Generator().manual_seed(sum(name.encode()))
        if name.endswith("norm.weight"):
            parameter.data = 0.5 + torch.rand(parameter.shape, generator=generator)
        else:
            parameter.data = 0.35 * torch.randn(parameter.shape, generator=generator)
        parameter.data = parameter.data.to(dtype).float()
    return model


def linears(model):
    return {name: module for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and name != "lm_head"}


@torch.no_grad()
def logits_of(model):
    return model(torch.tensor([PROMPT])).logits[0].float()


def ranges(weight, args):
    """The smallest and largest numbers that share a scale."""
    if args.strategy == "tensor":
        return weight.min().reshape(1), weight.max().reshape(1)
    if args.strategy == "group":
        weight = weight.unflatten(-1, (-1, args.group_size))
        return weight.amin(-1), weight.amax(-1)
    return weight.amin(-1, keepdim=True), weight.amax(-1, keepdim=True)


def inputs_of(model):
    """The smallest and largest input of each Linear with the prompt."""
    seen, hooks = {}, []
    for name, module in linears(model).items():
        hooks.append(module.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.__setitem__(name, (inputs[0].min(), inputs[0].max()))))
    logits_of(model)
    for hook in hooks:
        hook.remove()
    return seen


def quantise_inputs(module, args, scale=None, zero=None):
    """Makes the module's inputs what they are after quantisation, as the package's own forward does."""
    def hook(module, inputs):
        s, z = (scale, zero) if scale is not None else compute_dynamic_scales_and_zp(inputs[0], args, module)
        return (fake_quantize(inputs[0], s, z, args),)
    module.register_forward_pre_hook(hook)


def scheme_of(name, schemes):
    """An entry that names the module decides before a regular expression, and that before "Linear"."""
    for matches in (lambda t: t == name, lambda t: t.startswith("re:") and re.match(t[3:], name), lambda t: t == "Linear"):
        for scheme in schemes:
            if any(matches(target) for target in scheme.targets):
                return scheme
    raise AssertionError(name)


def write(name, model, dtype, quantized, expected, config):
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plain = {key: tensor.to(dtype) for key, tensor in model.state_dict().items()
             if key.removesuffix(".weight") not in linears(model)}
    save_file({key: tensor.contiguous() for key, tensor in {**plain, **quantized}.items()},
              folder / "model.safetensors", metadata={"format": "pt"})
    # The logits of the exact weights, in fp32.
    with torch.no_grad():
        for key, module in linears(model).items():
            module.weight.data = expected.pop(key)
    dequantised = {f"{key}.weight": module.weight.data.to(dtype) for key, module in linears(model).items()}
    save_file({**{key: tensor.clone() for key, tensor in dequantised.items()}, "logits": logits_of(model)},
              folder / "expected.safetensors")
    values = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
              "torch_dtype": str(dtype).removeprefix("torch."), "rope_theta": 10000.0, **BASE,
              **{key: getattr(model.config, key) for key in ODD}, "quantization_config": config}
    (folder / "config.json").write_text(json.dumps(values, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps({"input_ids": PROMPT}) + "\n")
    print(name, sum(file.stat().st_size for file in folder.iterdir()))


def exact(scale, quantised, zero):
    """scale * (q - zero) in fp32, with a scale and a zero for each group of inputs."""
    scale = scale.float().reshape(-1, 1) if scale.ndim < 2 else scale.float()
    per = quantised.shape[1] // scale.shape[1]
    zero = torch.zeros_like(scale) if zero is None else zero.float().reshape(scale.shape)
    return scale.repeat_interleave(per, 1) * (quantised.float() - zero.repeat_interleave(per, 1))


def make_compressed(name, sizes, dtype, form, parts, ignore):
    model = make_model(sizes, dtype)
    forms = {4: "pack-quantized", 8: "int-quantized"}
    schemes = [QuantizationScheme(targets=targets, weights=weight, input_activations=inputs,
                                  format=forms[weight["num_bits"]] if form == "mixed-precision" else form)
               for targets, weight, inputs in parts]
    seen = inputs_of(model)
    quantized, expected = {}, {}
    for key, module in linears(model).items():
        scheme = scheme_of(key, schemes)
        compressor = BaseCompressor.get_value_from_registry(scheme.format)
        weight = module.weight.data.to(dtype)
        scale, zero = calculate_qparams(*ranges(weight, scheme.weights), scheme.weights)
        state = {"weight": weight, "weight_scale": scale.to(dtype), "weight_zero_point": zero.to(torch.int8)}
        static = scheme.input_activations is not None and not scheme.input_activations.dynamic
        if static:
            input_scale, input_zero = calculate_qparams(*seen[key], scheme.input_activations)
            state.update(input_scale=input_scale.reshape(1).to(dtype), input_zero_point=input_zero.reshape(1))
        stored = compressor.compress(state, scheme)
        quantized.update({f"{key}.{part}": tensor for part, tensor in stored.items()})
        unpacked = compressor.decompress(stored, scheme)["weight"]
        # The package multiplies in the scale's dtype; the same in fp32 is what the numbers mean.
        wide = {part: tensor.float() if part in ("weight_scale",) else tensor for part, tensor in stored.items()}
        expected[key] = compressor.decompress(wide, scheme)["weight"].float()
        assert torch.equal(expected[key].to(dtype), unpacked) or (expected[key] - unpacked.float()).abs().max() < 1e-2
        if scheme.input_activations is not None:
            quantise_inputs(module, scheme.input_activations,
                            *((state["input_scale"].float(), state["input_zero_point"]) if static else ()))
    config = QuantizationConfig(config_groups={f"group_{i}": scheme for i, scheme in enumerate(schemes)}, format=form,
                                ignore=ignore, quantization_status="compressed",
                                kv_cache_scheme={**STATIC, "symmetric": True} if name == "int_static" else None)
    if name == "int_static":
        for kind, value in (("k", 0.03125), ("v", 0.0234375)):
            quantized[f"model.layers.0.self_attn.{kind}_scale"] = torch.tensor([value], dtype=dtype)
    values = config.model_dump()
    values["version"] = "0.20.0"
    write(name, model, dtype, quantized, expected, json.loads(json.dumps(values, default=str)))


def packed(numbers, bits, order=None):
    """[rows, columns] of unsigned numbers as int32s along the rows, low bits first."""
    per = 32 // bits
    words = numbers.to(torch.int64).reshape(numbers.shape[0], -1, per)
    if order:
        words = words[:, :, order]
    shifts = torch.arange(per, dtype=torch.int64) * bits
    total = (words << shifts).sum(-1)
    return torch.where(total >= 2**31, total - 2**32, total).to(torch.int32)


def quantise_groups(weight, bits, group, symmetric):
    """Scales [out, groups], zero points and numbers from 0 to 2^bits - 1, as GPTQ's and AWQ's quantisers choose them."""
    grouped = weight.unflatten(-1, (-1, group))
    low, high = grouped.amin(-1).clamp(max=0), grouped.amax(-1).clamp(min=0)
    most = 2**bits - 1
    if symmetric:
        bound = torch.maximum(-low, high)
        low, high = -bound, bound
    scale = ((high - low) / most).half()
    zero = torch.full_like(low, (most + 1) // 2) if symmetric else torch.round(-low / scale.float()).clamp(0, most)
    numbers = torch.round(grouped / scale.float().unsqueeze(-1) + zero.unsqueeze(-1)).clamp(0, most)
    return scale, zero.to(torch.int32), numbers.flatten(-2).to(torch.int32)


def make_gptq(name, config):
    """qweight, qzeros, scales and g_idx as QuantLinear.pack() of auto_gptq 0.7 lays them out."""
    model = make_model(EVEN, torch.float16)
    bits = config["bits"]
    quantized, expected = {}, {}
    for key, module in linears(model).items():
        group = config["group_size"] if config["group_size"] > 0 else module.in_features
        weight = module.weight.data
        # One group of nothing but positive numbers: its zero point is 0, which "gptq" stores as 0 less 1.
        if not config["sym"]:
            weight[0, :group] = weight[0, :group].abs()
        scale, zero, numbers = quantise_groups(weight, bits, group, config["sym"])
        stored_zero = zero if config.get("checkpoint_format") == "gptq_v2" else (zero - 1) & (2**bits - 1)
        quantized.update({
            f"{key}.qweight": packed(numbers, bits).T.contiguous(), f"{key}.qzeros": packed(stored_zero.T, bits),
            f"{key}.scales": scale.T.contiguous(),
            f"{key}.g_idx": torch.tensor([i // group for i in range(module.in_features)], dtype=torch.int32)})
        # auto_gptq's forward (qlinear_cuda_old.py), which unpacks and multiplies.
        shifts = torch.arange(0, 32, bits, dtype=torch.int32)
        added = 0 if config.get("checkpoint_format") == "gptq_v2" else 1
        zeros = ((quantized[f"{key}.qzeros"].unsqueeze(2) >> shifts) + added) & (2**bits - 1)
        values = (quantized[f"{key}.qweight"].unsqueeze(1) >> shifts.reshape(1, -1, 1)) & (2**bits - 1)
        per_input = quantized[f"{key}.g_idx"].long()
        zeros, values = zeros.reshape(scale.T.shape)[per_input], values.reshape(module.in_features, -1)
        expected[key] = (scale.T.float()[per_input] * (values - zeros)).T.contiguous()
        assert torch.equal(expected[key], exact(scale, numbers, zero))
    write(name, model, torch.float16, quantized, expected, {"quant_method": "gptq", "damp_percent": 0.01, **config})


def make_awq():
    """qweight, qzeros and scales as WQLinear_GEMM.from_linear() of autoawq 0.2 lays them out."""
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    model = make_model(EVEN, torch.float16)
    quantized, expected = {}, {}
    for key, module in linears(model).items():
        scale, zero, numbers = quantise_groups(module.weight.data, 4, 16, False)
        quantized.update({f"{key}.qweight": packed(numbers.T, 4, order), f"{key}.qzeros": packed(zero.T, 4, order),
                          f"{key}.scales": scale.T.contiguous()})
        converter = AutoAWQConverter(group_size=16)
        signed, signed_scale, signed_zero = converter._convert_gemm_module(
            quantized[f"{key}.qweight"], quantized[f"{key}.scales"], quantized[f"{key}.qzeros"])
        expected[key] = exact(signed_scale, signed, signed_zero)
        assert torch.equal(expected[key], exact(scale, numbers, zero))
    config = {"quant_method": "awq", "bits": 4, "group_size": 16, "zero_point": True, "version": "GEMM",
              "modules_to_not_convert": None}
    write("awq", model, torch.float16, quantized, expected, config)


def make_seeds():
    """A seed is 4 bytes, how long config.json is; it; and model.safetensors."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    CORPUS.mkdir(parents=True)
    for folder in sorted(OUTPUT.iterdir()):
        config = json.dumps(json.loads((folder / "config.json").read_text()), separators=(",", ":")).encode()
        bytes_of = (folder / "model.safetensors").read_bytes()
        length = int.from_bytes(bytes_of[:8], "little")
        header = json.loads(bytes_of[8:8 + length])
        # One matrix of each is enough.
        names = [name for name in header if name.startswith(("model.layers.0.self_attn.k_", "model.layers.0.self_attn.v_s"))]
        kept, data = {}, b""
        for name in names:
            begin, end = header[name]["data_offsets"]
            kept[name] = {**header[name], "data_offsets": [len(data), len(data) + end - begin]}
            data += bytes_of[8 + length + begin:8 + length + end]
        text = json.dumps(kept, separators=(",", ":")).encode()
        (CORPUS / folder.name).write_bytes(struct.pack("<I", len(config)) + config + struct.pack("<Q", len(text)) + text + data)


def main():
    torch.set_num_threads(1)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    for name, arguments in COMPRESSED.items():
        make_compressed(name, *arguments)
    for name, config in GPTQ.items():
        make_gptq(name, config)
    make_awq()
    make_seeds()


if __name__ == "__main__":
    main()
