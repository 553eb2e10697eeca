"""The checkpoint as CTranslate2 reads it, in fp32, the one float type that it computes in on a CPU, or int8."""

import numpy as np
from ctranslate2.specs import TransformerDecoderModelSpec
from ctranslate2.specs.common_spec import Activation


def set_layer(spec, weights, prefix):
    """One decoder layer; queries, keys and values are one matrix there."""
    attention, mlp = spec.self_attention, spec.ffn
    attention.layer_norm.gamma = weights.fp32(prefix + "input_layernorm.weight")
    attention.linear[0].weight = np.concatenate(
        [weights.fp32(f"{prefix}self_attn.{name}_proj.weight") for name in "qkv"])
    attention.linear[1].weight = weights.fp32(prefix + "self_attn.o_proj.weight")
    mlp.layer_norm.gamma = weights.fp32(prefix + "post_attention_layernorm.weight")
    mlp.linear_0.weight = weights.fp32(prefix + "mlp.gate_proj.weight")
    mlp.linear_0_noact.weight = weights.fp32(prefix + "mlp.up_proj.weight")
    mlp.linear_1.weight = weights.fp32(prefix + "mlp.down_proj.weight")


def write(weights, folder, dtype):
    """Writes the model to `folder`."""
    config = weights.config
    heads = config["num_attention_heads"]
    key_heads = config.get("num_key_value_heads", heads)
    spec = TransformerDecoderModelSpec.from_config(
        config["num_hidden_layers"], heads, pre_norm=True, activation=Activation.SWISH, ffn_glu=True, rms_norm=True,
        rotary_dim=0, rotary_interleave=False, rotary_base=config.get("rope_theta", 10000.0),
        num_heads_kv=None if key_heads == heads else key_heads, head_dim=config.get("head_dim"))
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights.fp32("model.embed_tokens.weight")
    decoder.layer_norm.gamma = weights.fp32("model.norm.weight")
    decoder.projection.weight = weights.fp32("model.embed_tokens.weight" if weights.tied() else "lm_head.weight")
    for layer, layer_spec in enumerate(decoder.layer):
        set_layer(layer_spec, weights, f"model.layers.{layer}.")
    spec.register_vocabulary([f"<{i}>" for i in range(config["vocab_size"])])
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<1>", "<2>", "<0>"
    spec.config.layer_norm_epsilon = config["rms_norm_eps"]
    spec.validate()
    if dtype == "int8":
        spec.optimize(quantization="int8")
    spec.save(str(folder))
