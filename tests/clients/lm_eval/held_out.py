"""The questions of models/demo/heldout as lm-eval's tasks want them."""

CHOICES = 4
# Of these kinds, in English, the demo model knows every answer: models/demo/eval.json.
KNOWN_KINDS = ("colour", "count", "holder", "who")
# Enough of them: each is as many requests as it has choices.
ROWS_OF_A_KIND = 10


def with_choices(dataset):
    """Rows of the known kinds with four answers of the same kind to choose from, the right one among them."""
    rows = []
    for kind in KNOWN_KINDS:
        same = [row for row in dataset if row["language"] == "en" and row["kind"] == kind]
        answers = sorted({row["answer"] for row in same})
        for row in same[:ROWS_OF_A_KIND]:
            at = answers.index(row["answer"])
            # A quarter of the right answers comes first, a quarter second, and so on.
            first = at - len(rows) % CHOICES
            choices = [answers[(first + i) % len(answers)] for i in range(CHOICES)]
            rows.append({**row, "choices": choices, "right": choices.index(row["answer"])})
    return dataset.from_list(rows)


def as_message(row):
    """What a user says who asks the question of a row, as models/demo/make/evaluate.py has it."""
    return row["prompt"].rsplit("\n\n", 1)[0] + "\n\n" + row["question"]
