"""Writes the held-out set: stories for perplexity and questions with answers, as JSON Lines.

    python heldout.py        (writes ../heldout/stories.jsonl and ../heldout/questions.jsonl)

Before it writes, it tells again every story that any training run of this seed could have read, and stops when one of
them is in the held-out set.
"""

import argparse
import json
from collections import Counter
from itertools import islice
from pathlib import Path

from batches import CHUNK_DOCUMENTS, LATER_CHUNKS, SEED_STRIDE
from documents import LANGUAGE_WEIGHTS, LANGUAGES, question_prompt, stories
from world import stream

FOLDER = Path(__file__).resolve().parent.parent / "heldout"
STORIES, STORY_SEED = 140, 9001
QUESTIONS_OF_EACH_KIND, QUESTION_SEED = 20, 9002


def held_out_questions():
    """As many questions of each kind and language, each from a story of its own."""
    counts = Counter()
    for language in LANGUAGES:
        wanted = {q.kind for plot in language.plots for q in plot.questions}
        for story in stream([language], [1], QUESTION_SEED, held_out=True):
            rare = min(story.questions, key=lambda question: counts[language.name, question[0]])
            same = [q for q in story.questions if counts[language.name, q[0]] == counts[language.name, rare[0]]]
            kind, ask, answer = same[sum(counts.values()) % len(same)]
            if counts[language.name, kind] < QUESTIONS_OF_EACH_KIND:
                counts[language.name, kind] += 1
                yield story, kind, ask, answer
            if all(counts[language.name, kind] == QUESTIONS_OF_EACH_KIND for kind in wanted):
                break


def training_texts(seed, chunks):
    """The texts of all stories in the first chunks of both parts of a training run."""
    first = seed * SEED_STRIDE
    seeds = [start + chunk for start in (first, first + LATER_CHUNKS) for chunk in range(chunks)]
    return {story.text for chunk_seed in seeds for story in stories(chunk_seed, CHUNK_DOCUMENTS)}


def write_lines(name, rows):
    """Writes rows as JSON Lines and says how many."""
    path = FOLDER / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"{name}: {len(rows)} lines, {path.stat().st_size} bytes")


def main():
    """Checks and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=20, help="seed of the training run to check against")
    parser.add_argument("--chunks", type=int, default=32, help="chunks of each part of that run to check")
    args = parser.parse_args()
    told = list(islice(stream(LANGUAGES, LANGUAGE_WEIGHTS, STORY_SEED, held_out=True), STORIES))
    asked = list(held_out_questions())
    seen = training_texts(args.seed, args.chunks)
    leaked = sum(story.text in seen for story in told + [story for story, *_ in asked])
    if leaked:
        raise SystemExit(f"{leaked} held-out stories occur among {len(seen)} training stories")
    print(f"no held-out story occurs among {len(seen)} training stories")
    FOLDER.mkdir(exist_ok=True)
    write_lines("stories.jsonl", [{"text": s.text, "plot": s.plot, "language": s.language.name} for s in told])
    write_lines("questions.jsonl", [
        {"prompt": question_prompt(story, ask), "answer": answer, "kind": kind, "language": story.language.name,
         "question": ask} for story, kind, ask, answer in asked])


if __name__ == "__main__":
    main()
