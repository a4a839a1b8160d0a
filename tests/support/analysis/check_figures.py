#!/usr/bin/env python3
"""Figures of kept_by_threshold.py and spread.py against plain loops over the index of a Grow step, and against what the
programs wrote into step.json: check_figures.py RUN KEPT.json SPREAD.json"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import h5py
import numpy as np
from checks import Checks

checks = Checks()


class Candidate:
    def __init__(self, source, tokens, count, reward, original, finished):
        self.source, self.tokens, self.count, self.reward = source, tuple(tokens), int(count), np.float32(reward)
        self.original, self.finished = bool(original), bool(finished)


def read_candidates(run):
    with h5py.File(run / "grow" / "g1" / "index.h5") as step:
        tokens, length = step["tokens"][()], step["length"][()].astype(int)
        source = np.repeat(np.arange(len(step["candidates_per_source"])), step["candidates_per_source"][()])
        end = np.cumsum(length)
        return [Candidate(source[i], tokens[end[i] - length[i]:end[i]], step["count"][i], step["rewards/chrf"][i],
                          step["origin"][i] == 1, step["finished"][i] == 1) for i in range(len(length))]


def check_kept(candidates, figures):
    threshold = figures["threshold"]
    kept = [c for c in candidates if (c.finished or c.original) and
            (threshold is None or c.reward > np.float32(threshold))]
    original = {c.source: c.tokens for c in candidates if c.original}
    sources = {c.source for c in candidates}
    drawn = sum(c.count for c in kept)
    copies = sum(c.count for c in kept if original.get(c.source) == c.tokens)
    wanted = {
        "candidates": drawn, "distinct": len(kept), "sources": len(sources),
        "candidate_share": drawn / sum(c.count for c in candidates),
        "tokens": sum(c.count * (len(c.tokens) + 1) for c in kept),
        "token_share": sum(c.count * (len(c.tokens) + 1) for c in kept) /
        sum(c.count * (len(c.tokens) + 1) for c in candidates),
        "sources_empty": len(sources - {c.source for c in kept}),
        "sources_without_sample": len(sources - {c.source for c in kept if not c.original}),
        "originals": sum(c.count for c in kept if c.original), "equal_to_original": copies}
    if drawn:
        wanted.update({
            "originals_share": wanted["originals"] / drawn, "equal_to_original_share": copies / drawn,
            "duplicate_share": 1 - len(kept) / drawn, "mean_length": sum(c.count * len(c.tokens) for c in kept) / drawn,
            "mean_reward": sum(c.count * float(c.reward) for c in kept) / drawn})
    for name, value in wanted.items():
        checks.near(figures[name], value, f"kept above {threshold}: {name}")


def check_steps(run, kept):
    """The programs filtered the same way."""
    by_threshold = {figures["threshold"]: figures for figures in kept}
    steps = sorted((run / "improve" / "bc").glob("g1-i*/step.json"))
    checks.that(len(steps) >= 2, f"{len(steps)} Improve steps to compare with")
    for path in steps:
        step = json.loads(path.read_text())
        if step["moot"]:
            continue
        figures = by_threshold[None if step["threshold"] < 0 else step["threshold"]]
        for name in ("candidates", "distinct", "originals", "tokens", "sources", "sources_empty", "mean_reward"):
            checks.near(figures[name], step["kept"][name], f"{path.parent.name}: {name}", 1e-6)
        checks.near(figures["candidate_share"], step["kept_share"], f"{path.parent.name}: share")


def check_spread(candidates, figures):
    rewards, lengths, distinct, draws, ratios = (defaultdict(list) for _ in range(5))
    original = {c.source: c for c in candidates if c.original}
    for c in candidates:
        if c.original:
            continue
        rewards[c.source] += [float(c.reward)] * c.count  # every draw by itself: no weights
        lengths[c.source] += [len(c.tokens)] * c.count
        distinct[c.source].append(c.tokens)
        draws[c.source].append(c.count)
    everything = np.concatenate([rewards[s] for s in rewards])
    pieces = np.concatenate([lengths[s] for s in rewards])
    n = len(everything)
    centred = [np.concatenate([np.array(values[s]) - np.mean(values[s]) for s in rewards]) for values in (rewards, lengths)]
    for name, got, wanted in (
            ("samples", figures["samples"], n), ("sources", figures["sources"], len(rewards)),
            ("mean reward", figures["mean_reward"], everything.mean()),
            ("total variance", figures["variance"]["total"], everything.var()),
            ("variance within", figures["variance"]["within"], sum(np.var(r) * len(r) for r in rewards.values()) / n),
            ("deviation", figures["deviation"]["mean"], sum(np.std(r) * len(r) for r in rewards.values()) / n),
            ("range", figures["range"]["mean"], sum((max(r) - min(r)) * len(r) for r in rewards.values()) / n),
            ("best minus mean", figures["best_minus_mean"]["mean"],
             sum((max(r) - np.mean(r)) * len(r) for r in rewards.values()) / n),
            ("flat sources", figures["flat_share"], np.mean([max(r) == min(r) for r in rewards.values()])),
            ("best beats original", figures["best_beats_original_share"],
             np.mean([max(r) > float(original[s].reward) for s, r in rewards.items()])),
            ("correlation", figures["correlation_length"]["all"], np.corrcoef(everything, pieces)[0, 1]),
            ("correlation within", figures["correlation_length"]["within"], np.corrcoef(*centred)[0, 1]),
            ("duplicates", figures["duplicate_share"], 1 - sum(map(len, distinct.values())) / n),
            ("drawn once", figures["drawn_once_share"], sum(k == 1 for d in draws.values() for k in d) / n),
            ("distinct of a source", figures["distinct_per_source"]["mean"],
             sum(len(d) * sum(draws[s]) for s, d in distinct.items()) / n),
            ("ratio to original", figures["ratio_to_original"]["mean"],
             sum(np.mean(lengths[s]) / max(len(original[s].tokens), 1) * len(lengths[s]) for s in rewards) / n)):
        checks.near(got, wanted, name, 1e-7)


def check_labels():
    from rest_run import trained_on
    for step, words in (({}, "bitext"), ({"threshold": -1.0}, "all"), ({"threshold": 0.7}, "R > 0.7"),
                        ({"threshold": 0.5, "filter": "top_k", "keeps": "best 5"}, "best 5")):
        checks.that(trained_on(step) == words, f"{step} is called {trained_on(step)}, not {words}")


def main(run, kept_file, spread_file):
    run = Path(run)
    kept = json.loads(Path(kept_file).read_text())
    candidates = read_candidates(run)
    for figures in kept:
        check_kept(candidates, figures)
    check_steps(run, kept)
    check_labels()
    check_spread(candidates, json.loads(Path(spread_file).read_text()))
    checks.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
