"""Compares Caravan's tokenizers with the original implementations on random Unicode strings.

    .venv-reference/bin/python tests/reference/compare_tokenizers.py [--strings 10000] [--write-samples]

Originals: Hugging Face's tokenizers for tokenizer.json, the sentencepiece library for tokenizer.model, tiktoken with
Meta's pattern for LLaMA-3's list of ranks. Caravan is asked through build/release/bin/caravan tokenize. With
--write-samples the small tokenizers and the samples of tests/fixtures/tokenizers are made anew first.
"""

import argparse
import base64
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata

import sentencepiece
import tiktoken
from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "tokenizers"
SHARED = ROOT.parent / "shared" / "tokenizers"
CARAVAN = ROOT / "build" / "release" / "bin" / "caravan"
SAMPLE = 250
LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+")

RANGES = [(0x20, 0x7E)] * 8 + [(0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF),
          (0x900, 0x97F), (0x1780, 0x17FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2100, 0x21FF), (0x3040, 0x30FF),
          (0x4E00, 0x9FFF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFF00, 0xFFEF),
          (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF)]
PIECES = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u180e", "\u200d", "'s", "'LL",
          "'\u017f", "123", "2026", "the ", " and", "Once upon a time", "从前", "你好，世界。", "👩‍👩‍👧‍👦", "é", "e\u0301",
          "<s>", "</s>", "<unk>", "<|eot_id|>", "<0x0A>", "▁", "ﬁ", "Ǆ", "İ", "ß", "\x00", "\x07"]


def random_text(rng):
    """A string of 0 to 40 pieces: runs of one script, white space, digits, and what tokenizers treat specially."""
    out = []
    for _ in range(rng.randint(0, rng.choice((3, 10, 40)))):
        if rng.random() < 0.35:
            out.append(rng.choice(PIECES))
            continue
        low, high = rng.choice(RANGES)
        run = (chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6)))
        # Unassigned code points have other properties in each implementation's Unicode version.
        out.extend(c for c in run if unicodedata.category(c) != "Cn")
    return "".join(out)


def with_tokenizers(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def with_sentencepiece(folder):
    processor = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
    specials = [processor.id_to_piece(i) for i in range(processor.get_piece_size())
                if processor.is_control(i) or processor.is_unknown(i)]

    def encode(text):
        # Control tokens written in a text are transformers' matter, not the library's: such texts are left out.
        return None if any(token in text for token in specials) else processor.encode(text)
    return encode


def with_tiktoken(folder):
    ranks = {}
    for line in (folder / "tokenizer.model").read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
             "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>",
             "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
    names += [f"<|reserved_special_token_{i}|>" for i in range(3, 256 - len(names) + 3)]
    special = {name: len(ranks) + i for i, name in enumerate(names)}
    encoding = tiktoken.Encoding("llama3", pat_str=LLAMA3_PATTERN, mergeable_ranks=ranks, special_tokens=special)
    return lambda text: encoding.encode(text, allowed_special="all")


def caravan_ids(folder, texts):
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "texts.jsonl"
        path.write_text("".join(json.dumps({"prompt": text}, ensure_ascii=False) + "\n" for text in texts))
        out = subprocess.run([CARAVAN, "tokenize", "--no-special", "--model-path", folder, "--input-file", path],
                             check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def training_texts():
    rng = random.Random(5)
    words = "the a cat dog house river went saw said Once upon time little girl boy 12 345 你 好 从前 有 一个 小 女孩".split()
    return [" ".join(rng.choice(words) for _ in range(12)) + rng.choice(".!?\n") for _ in range(2000)]


def make_small_tokenizers():
    """A SentencePiece-like tokenizer.json with byte fallback, and a SentencePiece model, both trained on made-up text."""
    folder = FIXTURES / "metaspace"
    folder.mkdir(parents=True, exist_ok=True)
    special = ["<unk>", "<s>", "</s>"]
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=700, show_progress=False,
                                  special_tokens=special + [f"<0x{byte:02X}>" for byte in range(256)])
    trained.train_from_iterator(training_texts(), trainer)
    trained.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                         decoders.Strip(" ", 1, 0)])
    trained.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    saved = json.loads(trained.to_str())
    # Byte tokens are of the model; only the three special ones are looked for in texts.
    saved["added_tokens"] = [token for token in saved["added_tokens"] if token["content"] in special]
    (folder / "tokenizer.json").write_text(json.dumps(saved, ensure_ascii=False))

    folder = FIXTURES / "sentencepiece"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        text = pathlib.Path(scratch) / "text.txt"
        text.write_text("".join(line.strip() + "\n" for line in training_texts()))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=scratch + "/tokenizer", vocab_size=440, model_type="bpe", byte_fallback=True,
            character_coverage=1.0, normalization_rule_name="identity", remove_extra_whitespaces=False,
            minloglevel=2)
        shutil.copy(scratch + "/tokenizer.model", folder / "tokenizer.model")


def compare(name, folder, original, texts, write_sample):
    expected = [original(text) for text in texts]
    pairs = [(text, ids) for text, ids in zip(texts, expected) if ids is not None and text]
    found = caravan_ids(folder, [text for text, _ in pairs])
    wrong = [(text, ids, got) for (text, ids), got in zip(pairs, found) if ids != got]
    print(f"{name:14} {len(pairs)} strings, {len(wrong)} differ")
    for text, ids, got in wrong[:5]:
        print("   ", json.dumps(text, ensure_ascii=True), ids, got)
    if write_sample:
        sample = [pair for pair in pairs if len(pair[0]) < 80][:SAMPLE]
        (FIXTURES / f"{name}.json").write_text(json.dumps(
            {"texts": [text for text, _ in sample], "ids": [ids for _, ids in sample]}, ensure_ascii=False) + "\n")
    return len(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strings", type=int, default=10000)
    parser.add_argument("--write-samples", action="store_true")
    arguments = parser.parse_args()
    if arguments.write_samples:
        make_small_tokenizers()
    rng = random.Random(20261121)
    texts = [random_text(rng) for _ in range(arguments.strings + 500)]
    llama2_model = pathlib.Path(tempfile.mkdtemp())
    shutil.copy(SHARED / "llama2" / "tokenizer.model", llama2_model)
    wrong = 0
    for name, folder, original in (
            ("demo", ROOT / "models" / "demo", with_tokenizers), ("metaspace", FIXTURES / "metaspace", with_tokenizers),
            ("sentencepiece", FIXTURES / "sentencepiece", with_sentencepiece),
            ("llama2", SHARED / "llama2", with_tokenizers), ("llama2_model", llama2_model, with_sentencepiece),
            ("llama3", SHARED / "llama3", with_tiktoken)):
        wrong += compare(name, folder, original(folder), texts, arguments.write_samples and name != "llama2_model")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
