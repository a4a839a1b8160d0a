"""Tables as text for a terminal and as Markdown."""


def as_text(headings, rows, left=1):
    """Columns as wide as they need be; the first `left` are set flush left, the others flush right."""
    lines = [headings] + rows
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    shown = []
    for line in lines:
        cells = [cell.ljust(width) if i < left else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "-" * max(map(len, shown)))
    return "\n".join(shown)


def as_markdown(headings, rows, left=1):
    rule = ["---"] * left + ["---:"] * (len(headings) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in [headings, rule] + rows)
