"""Writes the texts on which `caravan quantize` calibrates the demo model, as JSON Lines.

    python calibration.py        (writes ../calibration.jsonl)

They are documents like those of the training, of every kind, told with a seed of their own; none is of a held-out story.
"""

import json
from pathlib import Path

from documents import BEGIN, END, documents

PATH = Path(__file__).resolve().parent.parent / "calibration.jsonl"
DOCUMENTS, SEED, FACTS_SHARE = 80, 9003, 0.1


def main():
    """Writes and says how much."""
    texts = ["".join(text for text, _ in segments) for segments in documents(SEED, DOCUMENTS, FACTS_SHARE)]
    # The tokenizer puts the begin and the end token there itself.
    rows = [{"text": text.removeprefix(BEGIN).removesuffix(END)} for text in texts]
    PATH.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"{PATH.name}: {len(rows)} lines, {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
