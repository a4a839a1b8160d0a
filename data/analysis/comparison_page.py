"""The comparison page as HTML: comparison_page.html filled with items, all text escaped."""

import difflib
import html
import re
from pathlib import Path

TEMPLATE = Path(__file__).with_name("comparison_page.html")
ORDERS = {"wins": "biggest wins first", "losses": "biggest losses first", "differences": "biggest differences first",
          "spread": "widest spread first", "low": "lowest reward first", "high": "highest reward first",
          "corpus": "as in the corpus"}


class Output:
    """A line of an item: who said it, its reward, how much above what it is compared with, and the text."""

    def __init__(self, name, reward, text, gain=None, against=None, note=""):
        self.name, self.reward, self.text, self.gain, self.against, self.note = name, reward, text, gain, against, note


class Item:
    """A source with its outputs. `values`: a reward for each of the policies compared; `same`: whether a policy's output is
    the first policy's."""

    def __init__(self, heading, source, reference, outputs, values, same, spread):
        self.heading, self.source, self.reference, self.outputs = heading, source, reference, outputs
        self.values, self.same, self.spread = values, same, spread


def marked(text, against):
    """HTML of a text with the words that are new to `against` in <ins> and those it lacks in <del>."""
    if against is None:
        return html.escape(text)
    ours, theirs = text.split(), against.split()
    parts = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        removed, new = (html.escape(" ".join(words)) for words in (theirs[a:b], ours[c:d]))
        if kind == "equal":
            parts.append(new)
            continue
        if removed:
            parts.append(f"<del>{removed}</del>")
        if new:
            parts.append(f"<ins>{new}</ins>")
    return " ".join(parts)


def gain_html(gain):
    if gain is None:
        return ""
    kind = "up" if gain > 0 else "down" if gain < 0 else "soft"
    number = f"{gain:+.3f}".replace("-", "\u2212")
    return f'<span class="{kind}">{number}</span>'


def output_html(output):
    note = f' <span class="note">{html.escape(output.note)}</span>' if output.note else ""
    return (f'<li><span class="name">{html.escape(output.name)}</span>'
            f'<span class="number">{output.reward:.3f}</span><span class="number">{gain_html(output.gain)}</span>'
            f'<span class="text">{marked(output.text, output.against)}{note}</span></li>')


def item_html(index, item):
    values = " ".join(f"{value:.6g}" for value in item.values)
    reference = f"<dt>reference</dt><dd>{html.escape(item.reference)}</dd>" if item.reference else ""
    outputs = "\n".join(output_html(output) for output in item.outputs)
    same = " ".join(str(int(equal)) for equal in item.same)
    return (f'<article tabindex="-1" data-index="{index}" data-values="{values}" data-same="{same}" '
            f'data-spread="{item.spread:.6g}">\n<h2>{html.escape(item.heading)}</h2>\n'
            f"<dl><dt>source</dt><dd>{html.escape(item.source)}</dd>{reference}</dl>\n"
            f'<ul class="outputs">\n{outputs}\n</ul>\n</article>')


def table_html(headings, rows, left=1):
    def line(tag, cells):
        return "<tr>" + "".join(f'<{tag}{" class=words" if i < left else ""}>{html.escape(cell)}</{tag}>'
                                for i, cell in enumerate(cells)) + "</tr>"
    body = "\n".join(line("td", row) for row in rows)
    return f'<table class="summary"><thead>{line("th", headings)}</thead><tbody>\n{body}\n</tbody></table>'


def in_order(items, order):
    """Items with their place in the corpus, in the page's first order: so it stands without its script too."""
    measure = {"wins": lambda item: item.values[0] - item.values[-1], "spread": lambda item: -item.spread,
               "low": lambda item: item.values[-1]}[order]
    return sorted(enumerate(items), key=lambda pair: measure(pair[1]))


def page(title, caption, summary, notes, names, orders, items):
    """The whole page. Wins and losses need two policies: with one their controls are hidden."""
    last = len(names) - 1
    policies = "".join(f'<option value="{k}"{" selected" if k == last else ""}>{html.escape(name)}</option>'
                       for k, name in enumerate(names) if k > 0 or last == 0)
    parts = {
        "title": html.escape(title), "caption": html.escape(caption), "summary": summary, "notes": html.escape(notes),
        "policies": policies, "one": " hidden" if last == 0 else "",
        "orders": "".join(f'<option value="{order}">{ORDERS[order]}</option>' for order in orders),
        "items": "\n".join(item_html(index, item) for index, item in in_order(items, orders[0]))}
    # One pass over the template: nothing that stands in a text is taken for a place to fill.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place.group(1)], TEMPLATE.read_text(encoding="utf-8"))
