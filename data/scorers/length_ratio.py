#!/usr/bin/env python3
"""A reward as a program, small enough to read: how near a candidate is to its source in length."""

from scorer import serve


def score(texts):
    for text in texts:
        source, candidate = len(text["source"]), len(text["candidate"])
        yield min(source, candidate) / max(source, candidate, 1)


serve(score)
