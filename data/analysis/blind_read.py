"""Reads filled-in sheets of raters with their key; every fault is named by file and line."""

import csv
from pathlib import Path

from blind_make import KEY_FORMAT, KEY_VERSION
from rest_run import Problem, read_json, warn

NEEDED = ("id", "preference")
WORDS = {"left": "left", "l": "left", "right": "right", "r": "right", "same": "same", "tie": "same", "=": "same"}
FAULTS_SHOWN = 20


class Judgement:
    """What a rater said about an item: `score` is +1 where the second policy is preferred, -1 where the first is, else 0;
    `ratings` are those of the first and second policy, or None."""

    def __init__(self, rater, row, preference, ratings):
        self.rater, self.item, self.repeat = rater, row["item"], row["repeat"]
        self.side = preference  # left, right or same
        first_left = row["left"] == 0
        self.score = 0 if preference == "same" else 1 if (preference == "right") == first_left else -1
        self.ratings = ratings if ratings is None or first_left else ratings[::-1]


def read_key(path):
    if not Path(path).exists():
        raise Problem(f"{path} is missing; it was written with the sheets by blind_sheet.py make")
    key = read_json(path)
    if not isinstance(key, dict) or key.get("format") != KEY_FORMAT or key.get("version") != KEY_VERSION:
        raise Problem(f"{path} is no key of blind_sheet.py make (format {KEY_FORMAT}, version {KEY_VERSION})")
    return key


class Sheets:
    """The judgements of all sheets. Faults are gathered, so that one look mends them all."""

    def __init__(self, paths, key_path, partial):
        self.key = read_key(key_path)
        self.judgements = []
        self._key_path, self._partial = key_path, partial
        self._rows = {row["id"]: (rater, row) for rater, rows in self.key["sheets"].items() for row in rows}
        self._faults, self._unrated = [], 0
        self._seen = {}
        for path in paths:
            self._read(Path(path))
        if self._faults:
            more = len(self._faults) - FAULTS_SHOWN
            raise Problem("\n  ".join(["the sheets have faults:"] + self._faults[:FAULTS_SHOWN] +
                                      ([f"and {more} more"] if more > 0 else [])))
        if self._unrated:
            warn(f"{self._unrated} rows without a judgement are left out")
        absent = sorted(set(self.key["sheets"]) - {judgement.rater for judgement in self.judgements})
        if absent:
            warn(f"no judgements of {', '.join(absent)}")
        if not any(not judgement.repeat for judgement in self.judgements):
            raise Problem("the sheets hold no judgements")

    def _fault(self, path, line, words):
        self._faults.append(f"{path}:{line}: {words}")

    def _read(self, path):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as problem:
            raise Problem(f"{path} is not UTF-8 ({problem.reason} at byte {problem.start}); "
                          "save it as CSV (UTF-8)") from None
        lines = text.splitlines(keepends=True)
        heading = lines[0] if lines else ""
        # Some spreadsheet programs write semicolons where the comma is the decimal sign.
        delimiter = max("\t;,", key=heading.count)
        reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            self._fault(path, 1, f"no column {' or '.join(missing)} in the heading; is this a sheet of blind_sheet.py?")
            return
        self._read_rows(path, reader)

    def _read_rows(self, path, reader):
        raters, unknown, found = {}, [], set()
        end = 1  # a row begins behind the last line of the row before it, for texts may hold line breaks
        try:
            for record in reader:
                line, end = end + 1, reader.line_num
                if not any((value or "").strip() for value in record.values() if isinstance(value, str)):
                    continue
                identity = (record["id"] or "").strip()
                if identity not in self._rows:
                    unknown.append((line, identity))
                    continue
                rater, row = self._rows[identity]
                raters.setdefault(rater, line)
                found.add(identity)
                self._add(path, line, record, rater, row)
        except csv.Error as problem:
            self._fault(path, reader.line_num, f"not readable as a table ({problem})")
            return
        self._check_items(path, unknown, found)
        if len(raters) > 1:
            self._fault(path, max(raters.values()), f"rows of several raters in one sheet: {', '.join(sorted(raters))}")
        for rater in raters:
            absent = [row["id"] for row in self.key["sheets"][rater] if row["id"] not in found]
            if absent and not self._partial:
                self._fault(path, end, f"{len(absent)} of {rater}'s rows are missing, the first is {absent[0]}; "
                                       "--partial does without them")

    def _check_items(self, path, unknown, found):
        if unknown and not found:
            self._fault(path, unknown[0][0], f"none of its items is in {self._key_path}: this is the wrong key")
            return
        for line, identity in unknown:
            self._fault(path, line, f"unknown item '{identity}': it is not in {self._key_path}")

    def _add(self, path, line, record, rater, row):
        if row["id"] in self._seen:
            self._fault(path, line, f"item {row['id']} was judged before, in {self._seen[row['id']]}")
            return
        self._seen[row["id"]] = f"{path}:{line}"
        asked = (record["preference"] or "").strip()
        ratings = self._ratings(path, line, record)
        if not asked:
            if self._partial:
                self._unrated += 1
            else:
                self._fault(path, line, f"item {row['id']}: no preference; give left, right or same, or leave such rows "
                                        "out with --partial")
        elif asked.lower() not in WORDS:
            self._fault(path, line, f"item {row['id']}: preference '{asked}' is none of left, right, same")
        else:
            self.judgements.append(Judgement(rater, row, WORDS[asked.lower()], ratings))

    def _ratings(self, path, line, record):
        """Of the left and the right side; None when both are empty."""
        given = [(record.get(f"rating_{side}") or "").strip() for side in ("left", "right")]
        if not any(given):
            return None
        low, high = self.key["scale"]
        ratings = []
        for side, value in zip(("left", "right"), given):
            if not value:
                self._fault(path, line, f"rating_{side} is missing while the other side has one")
                return None
            try:
                rating = float(value.replace(",", "."))
            except ValueError:
                rating = None
            if rating is None or not low <= rating <= high:
                self._fault(path, line, f"rating_{side} '{value}' is no number from {low:g} to {high:g}")
                return None
            ratings.append(rating)
        return tuple(ratings)
