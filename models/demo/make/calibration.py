"""Writes the texts that quantisation is calibrated on, as JSON Lines.

    python calibration.py        (writes ../calibration.jsonl)

They are documents as the later part of a training run reads them, of a seed that the shipped run has not read, without the
begin and end tokens, which a reader puts around them. None is about a held-out story, and it stops if one is.
"""

import json
from pathlib import Path

from documents import BEGIN, END, documents

FOLDER = Path(__file__).resolve().parent.parent
DOCUMENTS, SEED = 96, 9003
# The share of single facts in the later part of a training run.
FACTS_SHARE = 0.15


def text_of(document):
    """The document's text between its begin and its end."""
    text = "".join(part for part, _ in document)
    return text.removeprefix(BEGIN).removesuffix(END)


def held_out_texts():
    """All texts that begin a held-out story or question."""
    rows = [json.loads(line) for name in ("stories", "questions")
            for line in (FOLDER / "heldout" / f"{name}.jsonl").open()]
    return {row["text"] if "text" in row else row["prompt"].rsplit("\n\n", 1)[0] for row in rows}


def main():
    """Checks and writes."""
    texts = [text_of(document) for document in documents(SEED, DOCUMENTS, FACTS_SHARE)]
    leaked = [held for held in held_out_texts() if any(held in text for text in texts)]
    if leaked:
        raise SystemExit(f"{len(leaked)} held-out stories occur among the calibration texts")
    path = FOLDER / "calibration.jsonl"
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    print(f"{path.name}: {len(texts)} lines, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
