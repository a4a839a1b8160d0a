#!/usr/bin/env python3
"""Blinded comparison of two policies by human raters (the human part of the paper's figure 7).

  make      draws sentences whose greedy outputs differ and writes one sheet a rater, sides and order shuffled, with some
            items shown twice; which side is which policy stands in key.json alone
  evaluate  reads the filled-in sheets: preference shares with intervals, sign test, agreement between raters and of each
            with themselves, ratings by policy, correlation with the reward; table and picture

`blind_sheet.py make --help` and `blind_sheet.py evaluate --help` say more."""

import argparse

from blind_evaluate import evaluate_sheets
from blind_make import make_sheets
from rest_run import at_least, start


def add_make(commands):
    make = commands.add_parser("make", help="write sheets and their key")
    make.add_argument("run", help="run directory")
    make.add_argument("--policies", nargs=2, required=True, metavar=("A", "B"), help="both evaluated on the corpus")
    make.add_argument("--corpus", default="test", choices=["valid", "test"], help="[test]")
    make.add_argument("--items", type=at_least(1), default=100, metavar="N", help="sentences to judge [100]")
    make.add_argument("--raters", type=at_least(1), default=3, metavar="N", help="sheets to write [3]")
    make.add_argument("--repeats", type=at_least(0), default=10, metavar="N", help="items shown twice to a rater [10]")
    make.add_argument("--seed", type=int, default=1, help="of items, orders and sides [1]")
    make.add_argument("--scale", type=float, nargs=2, default=(1, 6), metavar=("LOW", "HIGH"), help="of ratings [1 6]")
    make.add_argument("--show-reference", action="store_true", help="show the reference too")
    make.add_argument("--format", default="csv", choices=["csv", "tsv"], help="[csv]")
    make.add_argument("--out", metavar="FOLDER", help="[report/blind.A-B.CORPUS of the run]")
    make.set_defaults(action=make_sheets)


def add_evaluate(commands):
    evaluate = commands.add_parser("evaluate", help="evaluate filled-in sheets")
    evaluate.add_argument("sheets", nargs="+", metavar="SHEET", help="filled-in sheets, CSV or tab-separated")
    evaluate.add_argument("--key", required=True, help="key.json that was written with the sheets")
    evaluate.add_argument("--partial", action="store_true", help="leave out rows without a judgement")
    evaluate.add_argument("--bootstrap", type=at_least(1), default=2000, metavar="N", help="draws for intervals [2000]")
    evaluate.add_argument("--seed", type=int, default=1, help="of the bootstrap [1]")
    evaluate.add_argument("--out", metavar="FOLDER", help="[that of the key]")
    evaluate.set_defaults(action=evaluate_sheets)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="make | evaluate")
    add_make(commands)
    add_evaluate(commands)
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    start(main)
