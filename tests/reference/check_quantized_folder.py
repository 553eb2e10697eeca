"""Reads a checkpoint that Caravan quantised with the compressed-tensors package, and runs it with transformers.

    .venv-reference/bin/python tests/reference/check_quantized_folder.py FOLDER [--expected FILE]

It fails unless the config is one that the package takes, every quantised module has the tensors that the package would have
written and no others, and the model loads and writes finite logits. (Not where zero points are packed: transformers 5.23 makes
room for them unpacked, and refuses what the package itself wrote, too.) FILE is the expected.safetensors of a fixture
(README.md beside this file): each matrix must then be the one that it holds.
"""

import argparse
import json
import pathlib

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig, QuantizationScheme
from compressed_tensors.utils.match import match_name
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def read_tensors(folder):
    """All tensors by name; where there is an index, each must be in the file that it names."""
    tensors = {}
    index = folder / "model.safetensors.index.json"
    where = json.loads(index.read_text())["weight_map"] if index.exists() else None
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            assert file.metadata() == {"format": "pt"}, path
            for name in file.keys():
                assert name not in tensors and (where is None or where[name] == path.name), name
                tensors[name] = file.get_tensor(name)
    assert where is None or set(where) == set(tensors)
    return tensors


def scheme_of(module, config):
    """The scheme of a Linear; None where it is ignored. An entry that names it decides before "Linear"."""
    if any(match_name(module, entry) for entry in config.ignore):
        return None
    for matches in (lambda target: match_name(module, target), lambda target: target == "Linear"):
        for scheme in config.config_groups.values():
            if any(matches(target) for target in scheme.targets):
                return scheme
    return None


def dequantise(tensors, config, folder):
    """Module to matrix, by the package's decompressors; what is left are the tensors that are not quantised."""
    matrices = {}
    for module in sorted({name.rpartition(".")[0] for name in tensors if name.endswith(".weight_scale")}):
        scheme = scheme_of(module, config)
        assert isinstance(scheme, QuantizationScheme), f"{folder}: {module} has scales and no scheme"
        compressor = BaseCompressor.get_value_from_registry(scheme.format)
        names = set(compressor.compression_param_names(scheme))
        if scheme.input_activations is not None and not scheme.input_activations.dynamic:
            names |= {"input_scale"} | (set() if scheme.input_activations.symmetric else {"input_zero_point"})
        parts = {name.rpartition(".")[2] for name in tensors if name.rpartition(".")[0] == module}
        assert parts - {"bias"} == names, f"{module}: {sorted(parts)}, expected {sorted(names)}"
        state = {name: tensors.pop(f"{module}.{name}") for name in names}
        matrices[module] = compressor.decompress(state, scheme)["weight"]
    return matrices


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--expected", type=pathlib.Path)
    arguments = parser.parse_args()
    values = json.loads((arguments.folder / "config.json").read_text())
    config = QuantizationConfig.model_validate(values["quantization_config"])
    matrices = dequantise(read_tensors(arguments.folder), config, arguments.folder)
    assert matrices, "nothing is quantised"
    if arguments.expected:
        for name, expected in load_file(arguments.expected).items():
            if name != "logits":
                assert torch.equal(matrices[name.removesuffix(".weight")].to(expected.dtype), expected), name
    if any(scheme.format == "pack-quantized" and not scheme.weights.symmetric for scheme in config.config_groups.values()):
        print(f"{arguments.folder}: {len(matrices)} matrices; transformers loads no packed zero points")
        return
    model, info = AutoModelForCausalLM.from_pretrained(arguments.folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    with torch.no_grad():
        logits = model(torch.tensor([[1, 2, 3, 4]])).logits
    assert torch.isfinite(logits).all()
    print(f"{arguments.folder}: {len(matrices)} matrices, logits of {tuple(logits.shape)}")


if __name__ == "__main__":
    main()
