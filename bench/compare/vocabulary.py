"""A vocabulary of made-up words of whole ASCII characters, so that a server shows any token as text at once, whichever
a random model draws."""

MERGE = ("a", "b")


def words(size):
    """`size` tokens of byte-level BPE: printable ASCII, space and line feed, words, and what the one merge makes."""
    letters = [chr(byte) for byte in range(33, 127)] + [byte_letter(" "), byte_letter("\n")]
    return letters + [f"{byte_letter(' ')}w{i}" for i in range(len(letters), size - 1)] + ["".join(MERGE)]


def byte_letter(character):
    """What byte-level BPE writes in place of a space or control character."""
    return chr(256 + ord(character))


def tokenizer(size):
    """The vocabulary as the contents of a Hugging Face tokenizer.json."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {word: i for i, word in enumerate(words(size))}, "merges": [" ".join(MERGE)]}
    return {"version": "1.0", "added_tokens": [], "pre_tokenizer": byte_level, "decoder": byte_level, "model": model}
