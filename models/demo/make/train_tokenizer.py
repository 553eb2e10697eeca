"""Trains the byte-level BPE tokenizer of the demo model and writes it in the layout of Hugging Face.

    python train_tokenizer.py        (writes ../tokenizer.json, ../tokenizer_config.json, ../special_tokens_map.json)
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from documents import BEGIN, END, PAD, SPECIAL_TOKENS, TURN_END, documents

OUT = Path(__file__).resolve().parent.parent
VOCABULARY = 3072
CONTEXT = 512
# In the byte alphabet, where a Chinese character is three: long enough for " mushrooms", too short for whole Chinese
# sentences, which the pattern does not split and which would otherwise become tokens of their own.
LONGEST_TOKEN = 12
DOCUMENTS, SEED = 12000, 1

# The pattern that LLaMA-3 splits text with: contractions, words with one leading mark, up to three digits, marks, space.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")


def train():
    """A tokenizer trained on training documents."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL_TOKENS), max_token_length=LONGEST_TOKEN,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    texts = ("".join(text for text, _ in segments) for segments in documents(SEED, DOCUMENTS))
    tokenizer.train_from_iterator((strip_special(text) for text in texts), trainer)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN}:1 $B:1",
            special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))])])
    return tokenizer


def strip_special(text):
    """`text` without special tokens, whose characters are no words."""
    for token in SPECIAL_TOKENS:
        text = text.replace(token, "\n\n")
    return text


def write_json(name, value):
    """Writes `value` beside the weights."""
    (OUT / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def main():
    """Trains and writes."""
    tokenizer = train()
    tokenizer.save(str(OUT / "tokenizer.json"))
    write_json("tokenizer_config.json", {
        "added_tokens_decoder": {
            str(tokenizer.token_to_id(token)): {"content": token, "lstrip": False, "normalized": False, "rstrip": False,
                                                "single_word": False, "special": True} for token in SPECIAL_TOKENS},
        "bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False, "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": CONTEXT, "tokenizer_class": "PreTrainedTokenizerFast"})
    write_json("special_tokens_map.json", {"bos_token": BEGIN, "eos_token": END, "pad_token": PAD,
                                           "additional_special_tokens": [TURN_END]})
    print(f"{tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
