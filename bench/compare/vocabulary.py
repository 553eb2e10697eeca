"""A vocabulary of made-up words. No text passes through it; some readers of checkpoints want one."""

BYTES = 256
MERGE = ("a", "b")


def words(size):
    """`size` tokens of byte-level BPE: the letters that stand for the 256 bytes, words, and what the one merge makes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(BYTES + i) for i in range(BYTES - len(printable))]
    return letters + [f"<{i}>" for i in range(BYTES, size - 1)] + ["".join(MERGE)]


def tokenizer(size):
    """The vocabulary as the contents of a Hugging Face tokenizer.json."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {word: i for i, word in enumerate(words(size))}, "merges": [" ".join(MERGE)]}
    return {"version": "1.0", "added_tokens": [], "pre_tokenizer": byte_level, "decoder": byte_level, "model": model}
