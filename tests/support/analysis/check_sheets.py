#!/usr/bin/env python3
"""Blinded sheets say nothing of the policies, and what is filled in comes back out; faults are named by file and line:
check_sheets.py RUN CORPUS FOLDER A B"""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from checks import ANALYSIS, Checks

checks = Checks()


def blind_sheet(*arguments):
    command = [sys.executable, ANALYSIS / "blind_sheet.py", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    checks.that("Traceback" not in done.stderr, done.stderr)
    return done


def read_sheet(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_sheet(path, rows, delimiter=",", encoding="utf-8"):
    with open(path, "w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_a_spreadsheet_shows(text):
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@") else text


def check_made(run, corpus, folder, policies):
    from evaluation import EvaluatedCorpus
    from rest_run import Run
    evaluated = EvaluatedCorpus(Run(run), corpus, policies)
    texts = [one.texts for one in evaluated.evaluations]
    place_of = {int(row): place for place, row in enumerate(evaluated.rows)}
    key = json.loads((folder / "key.json").read_text())
    n, repeats = len(key["items"]), sum(row["repeat"] for row in key["sheets"]["rater-1"])
    checks.that(n >= 8 and repeats == 4, f"{n} items, {repeats} repeats: too few to check anything")
    checks.that(key["identical"] == sum(a == b for a, b in zip(*texts)), "identical outputs are miscounted")
    orders = set()
    for rater, key_rows in key["sheets"].items():
        sheet = read_sheet(folder / f"{rater}.csv")
        checks.that([row["id"] for row in sheet] == [row["id"] for row in key_rows], f"{rater}: other rows than the key's")
        checks.that(len({row["id"] for row in sheet}) == n + repeats, f"{rater}: ids are not unique")
        shown = Counter(row["item"] for row in key_rows)
        checks.that(set(shown) == set(range(n)) and max(shown.values()) <= 2, f"{rater}: not every item once or twice")
        left = Counter(row["left"] for row in key_rows if not row["repeat"])
        checks.that(abs(left[0] - left[1]) <= 1, f"{rater}: sides are not balanced: {left}")
        first = {row["item"]: row["left"] for row in key_rows if not row["repeat"]}
        checks.that(all(first[row["item"]] != row["left"] for row in key_rows if row["repeat"]), "repeats keep their sides")
        for row, key_row in zip(sheet, key_rows):
            place = place_of[key["items"][key_row["item"]]["row"]]
            sides = [as_a_spreadsheet_shows(row[side]) for side in ("left", "right")]
            wanted = [texts[key_row["left"]][place], texts[1 - key_row["left"]][place]]
            checks.that(sides == wanted and sides[0] != sides[1], f"{rater} {row['id']}: sides {sides}, not {wanted}")
            checks.that(not row["preference"] and not row["rating_left"], "a sheet comes with judgements")
        text = (folder / f"{rater}.csv").read_text(encoding="utf-8-sig")
        checks.that(not any(policy in text for policy in policies), f"{rater}: the sheet names a policy")
        orders.add(tuple(row["item"] for row in key_rows))
    checks.that(len(orders) == len(key["sheets"]), "raters see the same order")
    return key


def check_repeatable(run, corpus, folder, policies, options):
    again, other = folder / "again", folder / "other"
    for where, seed in ((again, 1), (other, 2)):
        blind_sheet("make", run, "--policies", *policies, "--corpus", corpus, *options, "--seed", seed, "--out", where)
    for name in ("rater-1.csv", "rater-2.csv", "key.json"):
        checks.that((again / name).read_bytes() == (folder / name).read_bytes(), f"{name} is another the second time")
        checks.that((other / name).read_bytes() != (folder / name).read_bytes(), f"{name} does not depend on the seed")
    done = blind_sheet("make", run, "--policies", *policies, "--corpus", corpus, *options, "--out", folder)
    checks.that(done.returncode == 1 and "may hold ratings" in done.stderr, "sheets are overwritten")


def fill(sheet, key_rows, score_of, ratings):
    """As a rater whose opinion of an item is known: score_of(item) is +1 for the second policy, -1 for the first, else 0."""
    for row, key_row in zip(sheet, key_rows):
        score = score_of(key_row["item"])
        second_right = key_row["left"] == 0
        row["preference"] = "same" if score == 0 else "right" if (score > 0) == second_right else "left"
        left, right = ratings if second_right else ratings[::-1]
        row["rating_left"], row["rating_right"] = str(left), str(right)
    return sheet


def check_evaluated(folder, key):
    """Rater 1 prefers the second policy everywhere, rater 2 the first on every fourth item and is undecided on the next;
    every format a spreadsheet program may write is read."""
    n = len(key["items"])
    opinions = {"rater-1": lambda item: 1, "rater-2": lambda item: {0: -1, 1: 0}.get(item % 4, 1)}
    sheets = []
    for (rater, opinion), (delimiter, encoding) in zip(opinions.items(), ((";", "utf-8-sig"), ("\t", "utf-8"))):
        rows = fill(read_sheet(folder / f"{rater}.csv"), key["sheets"][rater], opinion, (3, "4,5"))
        sheets.append(write_sheet(folder / f"{rater}.filled.csv", rows, delimiter, encoding))
    done = blind_sheet("evaluate", *sheets, "--key", folder / "key.json", "--bootstrap", 200)
    checks.that(done.returncode == 0, done.stderr)
    figures = json.loads((folder / "evaluation.json").read_text())
    counts = [sum(opinion(item) == score for opinion in opinions.values() for item in range(n)) for score in (-1, 0, 1)]
    checks.that(figures["preference"]["judgements"] == counts, f"{figures['preference']['judgements']}, not {counts}")
    tied = sum(item % 4 == 0 for item in range(n))
    checks.that(figures["preference"]["majority"]["items"] == [0, tied, n - tied], "majorities")
    agreeing = sum(item % 4 >= 2 for item in range(n)) / n
    checks.near(figures["agreement"]["pairs_agreeing"], agreeing, "raters' agreement")
    checks.that(figures["agreement"]["repeats"] == figures["agreement"]["repeats_same"] == 8, "repeats")
    checks.near(figures["ratings"]["first"]["value"], 3, "rating of the first policy")
    checks.near(figures["ratings"]["second"]["value"], 4.5, "rating of the second policy")
    checks.that((folder / "evaluation.png").stat().st_size > 4096, "no picture")
    return sheets


def check_faults(folder, key, good):
    """Each fault alone, by file and line (the heading is line 1)."""
    def spoil(change, *options, key_file=folder / "key.json"):
        rows = read_sheet_any(good)
        change(rows)
        path = write_sheet(folder / "bad.csv", rows)
        return path, blind_sheet("evaluate", path, "--key", key_file, "--bootstrap", 10, *options)

    def expect(change, line, words, *options, **more):
        path, done = spoil(change, *options, **more)
        wanted = f"{path}:{line}: "
        checks.that(done.returncode == 1 and wanted in done.stderr and words in done.stderr,
                    f"'{wanted} ... {words}' is not in: {done.stderr}")

    expect(lambda rows: rows[2].update(preference=""), 4, "no preference")
    expect(lambda rows: rows[0].update(preference="both"), 2, "preference 'both' is none of left, right, same")
    expect(lambda rows: rows[1].update(rating_left="7"), 3, "rating_left '7' is no number from 1 to 6")
    expect(lambda rows: rows[1].update(rating_right="good"), 3, "rating_right 'good'")
    expect(lambda rows: rows[1].update(rating_right=""), 3, "rating_right is missing")
    expect(lambda rows: rows[3].update(id="00000000"), 5, "unknown item '00000000'")
    expect(lambda rows: rows[3].update(id=rows[0]["id"]), 5, "was judged before")
    expect(lambda rows: rows.pop(), len(key["sheets"]["rater-1"]), "1 of rater-1's rows are missing")
    expect(lambda rows: [row.pop("preference") for row in rows], 1, "no column preference")
    expect(lambda rows: None, 2, "this is the wrong key", key_file=folder / "other" / "key.json")
    path, done = spoil(lambda rows: (rows[0].update(preference=""), rows.pop()), "--partial")
    checks.that(done.returncode == 0 and "1 rows without a judgement" in done.stderr, f"--partial: {done.stderr}")
    path, done = spoil(lambda rows: None, key_file=folder / "evaluation.json")
    checks.that(done.returncode == 1 and "is no key" in done.stderr, f"no key: {done.stderr}")
    (folder / "latin.csv").write_bytes("id,preference\nx,ä\n".encode("latin-1"))
    done = blind_sheet("evaluate", folder / "latin.csv", "--key", folder / "key.json")
    checks.that(done.returncode == 1 and "is not UTF-8" in done.stderr, f"Latin-1: {done.stderr}")
    # A text with line breaks moves the lines behind it.
    expect(lambda rows: (rows[0].update(comment="two\nlines"), rows[1].update(preference="?")), 4, "preference '?'")


def read_sheet_any(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def main(run, corpus, folder, *policies):
    folder, policies = Path(folder), list(policies)
    options = ("--items", 12, "--raters", 2, "--repeats", 4)
    done = blind_sheet("make", run, "--policies", *policies, "--corpus", corpus, *options, "--out", folder)
    checks.that(done.returncode == 0, done.stderr)
    key = check_made(run, corpus, folder, policies)
    check_repeatable(run, corpus, folder, policies, options)
    sheets = check_evaluated(folder, key)
    check_faults(folder, key, sheets[0])
    checks.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
