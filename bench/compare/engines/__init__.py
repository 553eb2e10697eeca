"""The engines that are compared: what each is called, installed as, and reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """One engine; its module in this folder has a class `Worker`."""

    name: str
    packages: tuple[str, ...]  # as requirements.txt names them; none for Caravan
    form: str  # what it reads: a form that forms.py can write
    dtypes: dict[str, str]  # by what is asked for, which is in Caravan's words: what the engine has for it on a CPU


FLOATS = ("bf16", "fp16", "fp32")
QUANTIZED = ("w8a8", "w8a16", "w4a8", "w4a16")
AS_ASKED = {dtype: dtype for dtype in FLOATS}
ALL_FP32 = {dtype: "fp32" for dtype in FLOATS}

ENGINES = {
    "caravan": Engine("Caravan", (), "safetensors", AS_ASKED | {scheme: scheme for scheme in QUANTIZED}),
    "llama_cpp": Engine("llama.cpp", ("llama-cpp-python", "gguf"), "gguf",
                        AS_ASKED | {"w8a8": "q8_0", "w8a16": "q8_0", "w4a8": "q4_0", "w4a16": "q4_0"}),
    "transformers": Engine("transformers", ("transformers", "torch"), "safetensors", AS_ASKED),
    "openvino": Engine("OpenVINO GenAI", ("openvino-genai", "optimum-intel", "nncf", "transformers", "torch"), "openvino",
                       AS_ASKED | {"w8a8": "int8", "w8a16": "int8", "w4a8": "int4", "w4a16": "int4"}),
    "ctranslate2": Engine("CTranslate2", ("ctranslate2",), "ctranslate2", ALL_FP32 | {"w8a8": "int8", "w8a16": "int8"}),
    "onnxruntime": Engine("ONNX Runtime GenAI", ("onnxruntime-genai", "onnx", "onnx_ir", "transformers", "torch"), "onnx",
                          ALL_FP32 | {"w4a8": "int4", "w4a16": "int4"}),
}
