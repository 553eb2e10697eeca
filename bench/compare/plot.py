"""The table as SVG: one panel of bars for each piece of work, tokens per second, each on a scale of its own."""

WIDTH, BAR, GAP, LABELS, NUMBERS, TITLE = 760, 18, 6, 150, 90, 30
CARAVAN, PEER = "#1f5fa8", "#b9c2cc"


def text(x, y, words, anchor="start", weight="normal"):
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#333333">{words}</text>'


def panel(row, names, top):
    """The bars of one piece of work, Caravan's in colour; `top` is the y of its title."""
    longest = max(row.speed(name) for name in row.medians)
    parts = [text(LABELS, top + 16, f"{row.work} (tokens/s)", weight="bold")]
    for i, name in enumerate(names):
        y = top + TITLE + i * (BAR + GAP)
        parts.append(text(LABELS - 8, y + BAR - 5, name, "end"))
        if name not in row.medians:
            continue
        length = row.speed(name) / longest * (WIDTH - LABELS - NUMBERS)
        colour = CARAVAN if name == "Caravan" else PEER
        parts += [f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
                  text(LABELS + length + 6, y + BAR - 5, f"{row.speed(name):.4g}")]
    return parts


def draw(rows, names):
    """The plot of the rows that any engine measured."""
    rows = [row for row in rows if row.medians]
    height = TITLE + len(names) * (BAR + GAP) + 10
    parts = [f'<rect width="{WIDTH}" height="{height * len(rows)}" fill="white"/>']
    for i, row in enumerate(rows):
        parts += panel(row, names, i * height)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height * len(rows)}" font-family="sans-serif" '
            f'font-size="12">\n' + "\n".join(parts) + "\n</svg>\n")
