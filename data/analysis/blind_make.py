"""Blinded side-by-side sheets for raters, and the key to them."""

import csv
import hashlib
import json
from pathlib import Path

from evaluation import EvaluatedCorpus
from rest_run import Problem, Run, warn

SIDES = ("left", "right")
KEY_FORMAT, KEY_VERSION = "rest-blind-key", 1
INSTRUCTIONS = """Two translations of each source stand side by side. Which one came from which system is hidden, and
changes from row to row. Please judge each row by itself, without going back to earlier ones.

preference    left, right, or same when neither is better
rating_left   {low:g} (worst) to {high:g} (best) for the translation on the left; may be left empty on both sides
rating_right  the same for the one on the right
comment       whatever you want to say; may be left empty

Leave all other columns and the order of the rows as they are. Save as CSV (UTF-8) or as tab-separated text.
"""


class KeyedShuffle:
    """Orders by SHA-256 of (key, purpose, thing): the same on every machine and in every version of Python."""

    def __init__(self, *key):
        self._key = hashlib.sha256(json.dumps(key).encode()).hexdigest()

    def word(self, purpose, thing):
        return hashlib.sha256(f"{self._key} {purpose} {thing}".encode()).hexdigest()

    def order(self, purpose, things):
        return sorted(things, key=lambda thing: self.word(purpose, thing))


def draw_items(corpus, shuffle, wanted):
    """Positions of sentences whose outputs differ, in random order; and how many identical ones came up meanwhile."""
    a, b = (one.texts for one in corpus.evaluations)
    chosen, identical = [], 0
    for place in shuffle.order("items", range(len(corpus))):
        if len(chosen) == wanted:
            break
        if a[place] == b[place]:
            identical += 1
        else:
            chosen.append(place)
    return chosen, identical


def sheet_rows(rater, items, repeats, shuffle):
    """One rater's rows: every item once in an order of its own, each policy left equally often, and in the second half
    some items of the first once more with their sides changed."""
    order = shuffle.order(f"rows {rater}", range(items))
    policy_left = {item: i % 2 for i, item in enumerate(shuffle.order(f"sides {rater}", range(items)))}
    rows = [{"item": item, "left": policy_left[item], "repeat": False} for item in order]
    middle = (items + 1) // 2
    again = [{"item": item, "left": 1 - policy_left[item], "repeat": True}
             for item in shuffle.order(f"repeats {rater}", order[:middle])[:repeats]]
    late = rows[middle:] + again
    rows = rows[:middle] + shuffle.order(f"second half {rater}", range(len(late)))
    rows = rows[:middle] + [late[i] for i in rows[middle:]]
    for row in rows:  # says nothing about item, side or repetition
        row["id"] = shuffle.word(f"id {rater}", f"{row['item']} {row['repeat']}")[:8]
    return rows


def for_a_spreadsheet(text):
    """Spreadsheet programs take what begins so for a formula; a quote before it makes it text."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def write_sheet(path, rows, corpus, items, reference):
    columns = (["id", "source"] + ["reference"] * reference + list(SIDES) +
               ["preference", "rating_left", "rating_right", "comment"])
    tabs = path.suffix == ".tsv"
    # The byte order mark tells spreadsheet programs that the text is UTF-8.
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if tabs else ",", lineterminator="\n" if tabs else "\r\n")
        writer.writerow(columns)
        for row in rows:
            place = items[row["item"]]
            texts = [corpus.evaluations[policy].texts[place] for policy in (row["left"], 1 - row["left"])]
            shown = [corpus.sources[place]] + [corpus.references[place]] * reference + texts
            writer.writerow([row["id"]] + [for_a_spreadsheet(text) for text in shown] + ["", "", "", ""])


def require_absent(folder, names):
    there = [folder / name for name in names if (folder / name).exists()]
    if there:
        raise Problem(f"{there[0]} exists and may hold ratings; name another folder with --out, or remove it")


def make_sheets(options):
    run = Run(options.run)
    low, high = options.scale
    if options.policies[0] == options.policies[1]:
        raise Problem(f"--policies names {options.policies[0]} twice: there is nothing to compare")
    if low >= high:
        raise Problem(f"--scale {low:g} {high:g} does not rise")
    corpus = EvaluatedCorpus(run, options.corpus, options.policies)
    a, b = (one.texts for one in corpus.evaluations)
    shuffle = KeyedShuffle(options.seed, options.policies, options.corpus, options.items, options.repeats, a, b)
    items, identical_drawn = draw_items(corpus, shuffle, options.items)
    if not items:
        raise Problem(f"{options.policies[0]} and {options.policies[1]} give the same output for all of {options.corpus}: "
                      "there is nothing to compare")
    if len(items) < options.items:
        warn(f"only {len(items)} outputs of {options.corpus} differ: the sheets hold those")
    repeats = min(options.repeats, (len(items) + 1) // 2)
    sheets = {f"rater-{i + 1}": sheet_rows(i, len(items), repeats, shuffle) for i in range(options.raters)}
    key = {
        "format": KEY_FORMAT, "version": KEY_VERSION, "run": run.name, "corpus": options.corpus,
        "reward": corpus.reward, "policies": options.policies, "seed": options.seed, "scale": [low, high],
        "sentences": len(corpus), "identical": sum(x == y for x, y in zip(a, b)),
        "drawn": {"differing": len(items), "identical": identical_drawn},
        "items": [{"row": int(corpus.rows[place]), "rewards": [float(one.rewards[place]) for one in corpus.evaluations]}
                  for place in items],
        "sheets": sheets}
    pair = "-".join(policy.replace("/", "_") for policy in options.policies)
    folder = Path(options.out) if options.out else run.report(f"blind.{pair}.{options.corpus}")
    folder.mkdir(parents=True, exist_ok=True)
    names = {rater: f"{rater}.{options.format}" for rater in sheets}
    require_absent(folder, list(names.values()) + ["key.json"])
    for rater, rows in sheets.items():
        write_sheet(folder / names[rater], rows, corpus, items, options.show_reference)
    (folder / "instructions.txt").write_text(INSTRUCTIONS.format(low=low, high=high), encoding="utf-8")
    (folder / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    print(f"{len(items)} items ({repeats} of them twice) for {options.raters} raters; of {len(corpus)} outputs "
          f"{key['identical']} are identical and not shown")
    for name in [*names.values(), "instructions.txt"]:
        print(f"  {folder / name}")
    print(f"  {folder / 'key.json'}   keep this from the raters")
