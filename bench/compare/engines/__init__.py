"""The engines that are compared: what each is called, installed as, and reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """One engine; its module in this folder has a class `Worker`."""

    name: str
    packages: tuple[str, ...]  # as requirements.txt names them; none for Caravan
    form: str  # what it reads: a form that forms.py can write
    dtypes: tuple[str, ...]  # in which it computes on a CPU


ENGINES = {
    "caravan": Engine("Caravan", (), "safetensors", ("bf16", "fp16", "fp32")),
    "llama_cpp": Engine("llama.cpp", ("llama-cpp-python", "gguf"), "gguf", ("bf16", "fp16", "fp32")),
    "transformers": Engine("transformers", ("transformers", "torch"), "safetensors", ("bf16", "fp16", "fp32")),
    "openvino": Engine("OpenVINO GenAI", ("openvino-genai", "optimum-intel", "transformers", "torch"), "openvino",
                       ("bf16", "fp16", "fp32")),
    "ctranslate2": Engine("CTranslate2", ("ctranslate2",), "ctranslate2", ("fp32",)),
    "onnxruntime": Engine("ONNX Runtime GenAI", ("onnxruntime-genai", "onnx", "onnx_ir", "transformers", "torch"), "onnx",
                          ("fp32",)),
}


def dtype_of(engine, asked):
    """The dtype in which the engine answers for `asked`: the same, or the one that it has."""
    return asked if asked in engine.dtypes else engine.dtypes[-1]
