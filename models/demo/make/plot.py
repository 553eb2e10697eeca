"""Draws train_log.csv as ../loss.svg: held-out loss on the left axis, answer accuracy on the right one.

    python plot.py
"""

import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 60, 60, 40, 50
COLOURS = {"train": "#999999", "heldout": "#1f5fa8", "accuracy": "#c0521b"}


def scale(value, low, high, start, end):
    """`value` moved from [low, high] to [start, end]."""
    return start + (value - low) / (high - low) * (end - start)


def line(points, colour):
    """A polyline through the points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'


def text(x, y, words, anchor="middle", colour="#333333"):
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def draw(rows):
    """The plot of the log's rows as SVG."""
    tokens = [int(row["tokens"]) / 1e6 for row in rows]
    held_out = [float(row["heldout_loss"]) for row in rows]
    train = [float(row["train_loss"]) for row in rows]
    accuracy = [float(row["answer_accuracy"]) for row in rows]
    top = max(held_out[0], 1.0)
    x = [scale(t, 0, tokens[-1], LEFT, WIDTH - RIGHT) for t in tokens]

    def losses(values):
        return [(a, scale(min(v, top), 0, top, HEIGHT - BOTTOM, TOP)) for a, v in zip(x, values)]

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for i in range(6):
        share = i / 5
        y = scale(share, 0, 1, HEIGHT - BOTTOM, TOP)
        across = scale(share, 0, 1, LEFT, WIDTH - RIGHT)
        parts += [f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#e4e4e4"/>',
                  text(LEFT - 8, y + 4, f"{share * top:.2f}", "end", COLOURS["heldout"]),
                  text(WIDTH - RIGHT + 8, y + 4, f"{share:.0%}", "start", COLOURS["accuracy"]),
                  text(across, HEIGHT - BOTTOM + 18, f"{share * tokens[-1]:.1f}")]
    parts += [line(losses(train), COLOURS["train"]), line(losses(held_out), COLOURS["heldout"]),
              line([(a, scale(v, 0, 1, HEIGHT - BOTTOM, TOP)) for a, v in zip(x, accuracy)], COLOURS["accuracy"]),
              text(WIDTH / 2, HEIGHT - 10, "training tokens (millions)"),
              text(LEFT, 22, "held-out story loss (nats per token)", "start", COLOURS["heldout"]),
              text(WIDTH / 2 + 30, 22, "training loss, answers weighted", "middle", COLOURS["train"]),
              text(WIDTH - RIGHT, 22, "held-out answer tokens right", "end", COLOURS["accuracy"])]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12">\n' + "\n".join(parts) + "\n</svg>\n")


def main():
    """Reads the log and writes the plot."""
    with (HERE / "train_log.csv").open() as file:
        rows = list(csv.DictReader(file))
    (HERE.parent / "loss.svg").write_text(draw(rows))


if __name__ == "__main__":
    main()
