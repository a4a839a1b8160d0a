#!/usr/bin/env python3
"""What each threshold keeps of a Grow step: candidates, tokens, sources left empty, lengths, originals, duplicates.

A candidate is kept, as in an Improve step, when its reward is above the threshold (equation 2) and it ended by itself;
originals are candidates like others. Everything is weighted by count. Writes a table (text and Markdown), the figures
as JSON and a picture to report/ of the run. Reads shard by shard: memory does not grow with the step."""

import json

import numpy as np

from grow_shards import GrowShards
from rest_run import CONTROL, GREEDY, ORIGINAL, SAMPLED, Problem, Run, arguments, grow_arguments, new_figure, start, warn
from tables import as_markdown, as_text

DEFAULT_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
CURVE = tuple(np.linspace(0, 1, 201))  # thresholds of the picture's lines
HEADINGS = ["kept", "candidates", "share", "tokens", "token share", "sources left empty", "without a sample",
            "mean length", "originals", "equal to original", "duplicates", "mean reward"]


class Kept:
    """Sums over what each threshold keeps, for all thresholds in one pass: a candidate's level is how many of the rising
    thresholds it is above, and what threshold i keeps is all levels beyond i."""

    SUMS = ("candidates", "distinct", "originals", "equal_to_original", "pieces", "tokens", "reward")

    def __init__(self, thresholds, keep_unfinished):
        self.thresholds = np.unique(np.asarray(thresholds, np.float32))  # as the programs compare
        self.keep_unfinished = keep_unfinished
        levels = len(self.thresholds) + 2  # 0: never kept; 1: kept where there is no threshold
        self._sums = {name: np.zeros(levels) for name in self.SUMS}
        self._sources = np.zeros(levels, np.int64)  # by the level of their best candidate
        self._sampled_sources = np.zeros(levels, np.int64)  # by the level of their best sample
        self.all_candidates = self.all_tokens = 0

    def add(self, shard):
        level = np.searchsorted(self.thresholds, shard.reward, side="left") + 1
        if not self.keep_unfinished:
            level[~shard.finished & ~shard.original] = 0
        weights = {
            "candidates": shard.count, "distinct": None, "originals": shard.count * shard.original,
            "equal_to_original": shard.count * shard.equals_original, "pieces": shard.count * shard.length,
            "tokens": shard.count * (shard.length + 1),  # with the end piece, as training counts them
            "reward": shard.count * shard.reward.astype(np.float64)}
        for name, weight in weights.items():
            self._sums[name] += np.bincount(level, weight, len(self._sources))
        self._sources += self._best_levels(shard, level)
        self._sampled_sources += self._best_levels(shard, np.where(shard.original, 0, level))
        self.all_candidates += int(shard.count.sum())
        self.all_tokens += int(weights["tokens"].sum())

    def _best_levels(self, shard, level):
        best = np.zeros(shard.sources, np.int64)
        np.maximum.at(best, shard.place, level)
        return np.bincount(best, minlength=len(self._sources))

    def figures(self, threshold=None):
        """Of one threshold; of None, what is kept without one."""
        level = 1 if threshold is None else int(np.searchsorted(self.thresholds, np.float32(threshold))) + 2
        sums = {name: values[level:].sum() for name, values in self._sums.items()}
        candidates = sums["candidates"]

        def mean(total):
            return float(total / candidates) if candidates else None
        return {
            "threshold": threshold, "candidates": int(candidates), "distinct": int(sums["distinct"]),
            "candidate_share": candidates / self.all_candidates,
            "tokens": int(sums["tokens"]), "token_share": sums["tokens"] / self.all_tokens,
            "sources": int(self._sources.sum()), "sources_empty": int(self._sources[:level].sum()),
            "sources_without_sample": int(self._sampled_sources[:level].sum()),
            "originals": int(sums["originals"]), "originals_share": mean(sums["originals"]),
            "equal_to_original": int(sums["equal_to_original"]),
            "equal_to_original_share": mean(sums["equal_to_original"]),
            "duplicate_share": mean(candidates - sums["distinct"]),
            "mean_length": mean(sums["pieces"]), "mean_reward": mean(sums["reward"])}


def percent(share):
    return "-" if share is None else f"{100 * share:.1f} %"


def table_row(figures):
    def number(key, form):
        return "-" if figures[key] is None else format(figures[key], form)
    empty, sampleless = (f"{figures[key]:,} ({percent(figures[key] / max(figures['sources'], 1))})"
                         for key in ("sources_empty", "sources_without_sample"))
    return ["all" if figures["threshold"] is None else f"R > {figures['threshold']:g}", number("candidates", ","),
            percent(figures["candidate_share"]), number("tokens", ","), percent(figures["token_share"]),
            empty, sampleless, number("mean_length", ".1f"), percent(figures["originals_share"]),
            percent(figures["equal_to_original_share"]), percent(figures["duplicate_share"]), number("mean_reward", ".4f")]


def caption(run, grow, kept, reward):
    unfinished = "unfinished samples too" if kept.keep_unfinished else "unfinished samples left out"
    return (f"Kept data by threshold: Grow step g{grow.number} of {run.name} ({grow.sampled_how()}), "
            f"reward {reward}; "
            f"{kept.all_candidates:,} candidates of {kept.figures()['sources']:,} sources, {unfinished}")


NOTES = """Shares of candidates and tokens are of all of D_g; tokens count the end piece. Of what is kept: mean length in
pieces without it, originals, candidates equal to their original (originals included), duplicates (draws that repeat a
stored sample). All weighted by count."""


def draw_shares(axes, levels, curve):
    for key, name, colour, style in (("candidate_share", "candidates", SAMPLED, "-"),
                                     ("token_share", "tokens", CONTROL, "--")):
        axes.plot([f["threshold"] for f in curve], [100 * f[key] for f in curve], style, color=colour, linewidth=1.8,
                  label=name)
    axes.plot([f["threshold"] for f in levels], [100 * f["candidate_share"] for f in levels], "o", color=SAMPLED,
              markersize=5)
    axes.set(title="Kept data", ylabel="kept of D_g (%)", ylim=(0, 104))
    axes.legend(loc="lower left")


def draw_empty(axes, levels, curve):
    curve = [f for f in curve if f["candidates"]]  # beyond the highest reward all are empty
    highest = 0
    for key, name, colour, style, mark in (("sources_without_sample", "no sample kept", SAMPLED, "-", "o"),
                                           ("sources_empty", "nothing kept", GREEDY, "--", "s")):
        lines, marks = ([100 * f[key] / max(f["sources"], 1) for f in figures] for figures in (curve, levels))
        axes.plot([f["threshold"] for f in curve], lines, style, color=colour, linewidth=1.8)
        axes.plot([f["threshold"] for f in levels], marks, mark, color=colour, markersize=5)
        axes.plot([], [], style, marker=mark, color=colour, markersize=5, linewidth=1.8, label=name)
        highest = max([highest] + lines + marks)
    axes.set(title="Sources left empty", ylabel="sources (%)")
    axes.set_ylim(-0.02 * max(highest, 1), 1.1 * max(highest, 1))
    axes.legend(loc="upper left")


def draw_lengths(axes, levels, curve, everything):
    there = [f for f in curve if f["mean_length"] is not None]
    axes.plot([f["threshold"] for f in there], [f["mean_length"] for f in there], color=SAMPLED, linewidth=1.8,
              label="kept")
    there = [f for f in levels if f["mean_length"] is not None]
    axes.plot([f["threshold"] for f in there], [f["mean_length"] for f in there], "o", color=SAMPLED, markersize=5)
    if everything["mean_length"] is not None:
        axes.axhline(everything["mean_length"], color=ORIGINAL, linestyle=":", linewidth=1.5, label="without a threshold")
    axes.set(title="Mean length of what is kept", ylabel="pieces")
    axes.margins(y=0.25)
    axes.legend(loc="best")


def draw_composition(axes, levels):
    """What the kept candidates are: stacked shares, from what the bitext holds to what is new."""
    parts = (("originals", lambda f: f["originals"], ORIGINAL, ""),
             ("samples equal to them", lambda f: f["equal_to_original"] - f["originals"], "#9BC4E2", "///"),
             ("other samples", lambda f: f["candidates"] - f["equal_to_original"], SAMPLED, ""))
    bottom = np.zeros(len(levels))
    for name, of, colour, hatch in parts:
        height = np.array([100 * of(f) / f["candidates"] if f["candidates"] else 0 for f in levels])
        axes.bar(range(len(levels)), height, 0.7, bottom, color=colour, hatch=hatch, edgecolor="white", linewidth=0.8,
                 label=name)
        bottom += height
    repeats = [100 * f["duplicate_share"] if f["candidates"] else np.nan for f in levels]
    axes.plot(range(len(levels)), repeats, "D-", color="black", markersize=4, linewidth=1.2, markeredgecolor="white",
              label="duplicates (drawn again)")
    labels = ["all" if f["threshold"] is None else f"> {f['threshold']:g}" for f in levels]
    axes.set_xticks(range(len(levels)), labels)
    axes.set(title="What is kept", ylabel="kept candidates (%)", ylim=(0, 132), yticks=range(0, 101, 20),
             xlabel="threshold on the reward")
    axes.legend(loc="upper center", ncols=2, fontsize=9)


def draw(words, kept, thresholds, path):
    curve, levels = [kept.figures(t) for t in CURVE], [kept.figures(t) for t in thresholds]
    figure, ((shares, empty), (lengths, composition)) = new_figure(2, 2, figsize=(10.5, 7.2))
    draw_shares(shares, levels, curve)
    draw_empty(empty, levels, curve)
    draw_lengths(lengths, levels, curve, kept.figures())
    for axes in (shares, empty, lengths):
        axes.set(xlabel="threshold on the reward", xlim=(0, 1))
    draw_composition(composition, [kept.figures()] + levels)
    figure.suptitle("\n".join(words.rsplit("; ", 1)), fontsize=10)
    figure.savefig(path)


def thresholds_of(run, asked):
    """Those asked for, else the experiment's, else a ladder of usual ones."""
    if asked:
        return sorted(set(asked))
    name = run.option("improve", "filter", "threshold")
    if name != "threshold":
        warn(f"the experiment's filter is {name}, which has no thresholds on the reward: usual ones are shown")
        return list(DEFAULT_THRESHOLDS)
    return sorted(set(run.option("improve", "thresholds", DEFAULT_THRESHOLDS)))


def main():
    parser = arguments(__doc__)
    grow_arguments(parser)
    parser.add_argument("--thresholds", type=float, nargs="+", metavar="T", help="[the experiment's]")
    parser.add_argument("--keep-unfinished", action="store_true",
                        help="also samples cut at the maximum length [as improve.keep_unfinished says]")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    run = Run(options.run)
    reward = run.reward_name(options.reward)
    thresholds = thresholds_of(run, options.thresholds)
    grow = GrowShards(run, options.grow_step, [reward])
    kept = Kept(list(thresholds) + list(CURVE), options.keep_unfinished or run.option("improve", "keep_unfinished", False))
    for shard in grow:
        kept.add(shard)
    if not kept.all_candidates:
        raise Problem(f"{grow.path} holds no candidates")
    figures = [kept.figures()] + [kept.figures(t) for t in thresholds]
    words, rows = caption(run, grow, kept, reward), [table_row(f) for f in figures]
    text, markdown = ("\n\n".join((words, table(HEADINGS, rows), NOTES)) + "\n" for table in (as_text, as_markdown))
    name = f"kept_by_threshold.g{options.grow_step}.{reward}"
    paths = [run.write_report(name + ending, content, options.out) for ending, content in
             ((".txt", text), (".md", markdown), (".json", json.dumps(figures, indent=1) + "\n"))]
    paths.append(run.report(name + ".png", options.out))
    draw(words, kept, thresholds, paths[-1])
    print(markdown if options.markdown else text)
    print(*paths, sep="\n")


if __name__ == "__main__":
    start(main)
