#!/usr/bin/env python3
"""Summary of a Grow step: rewards, lengths, duplicates, spread within sources, best and worst examples.

Prints the text and writes it, with a figure, to report/ of the run. kept_by_threshold.py and spread.py go deeper."""

import numpy as np

from rest_run import (ORIGINAL, SAMPLED, GrowStep, Run, arguments, at_least, grow_arguments, new_figure, start, warn,
                      weighted_percentiles)

LEVELS = (5, 25, 50, 75, 95)  # percentiles shown
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class PerSource:
    """Figures of each source's samples, weighted by count; sources without samples are left out."""

    def __init__(self, grow):
        samples = ~grow.original
        rows = np.flatnonzero(samples)
        source, count, reward = grow.source[rows], grow.count[rows], grow.reward[rows].astype(np.float64)

        def total(weight):
            return np.bincount(source, weight, grow.sources)

        samples = total(count)
        there = samples > 0
        n = samples[there]
        self.samples = n
        self.distinct = total(np.ones(len(rows)))[there]
        self.mean = total(count * reward)[there] / n
        self.spread = np.sqrt(np.maximum(total(count * reward**2)[there] / n - self.mean**2, 0))
        self.best, self.worst = np.full(grow.sources, -np.inf), np.full(grow.sources, np.inf)
        np.maximum.at(self.best, source, reward)
        np.minimum.at(self.worst, source, reward)
        self.best, self.worst = self.best[there], self.worst[there]


def describe(name, values, weights, form):
    if len(values) == 0:
        return f"  {name:<22} none"
    shown = "  ".join(format(value, form) for value in weighted_percentiles(values, weights, LEVELS))
    return f"  {name:<22} mean {format(np.average(values, weights=weights), form)}   5/25/50/75/95 %: {shown}"


def figures_text(run, grow, number, reward, per_source):
    samples, originals = ~grow.original, grow.original
    drawn, distinct = grow.count[samples].sum(), samples.sum()
    options = grow.options()
    asked = ", ".join(f"{key} {options[key]}" for key in ("samples", "temperature", "precision") if key in options)
    lines = [
        f"Grow step g{number} of {run.name}" + (f" ({asked})" if asked else ""),
        f"  sources                {grow.sources:,}",
        f"  candidates             {grow.count.sum():,}: {drawn:,} samples, {grow.count[originals].sum():,} originals",
        f"  distinct samples       {distinct:,}; {100 * (1 - distinct / max(drawn, 1)):.1f} % of the samples repeat another",
        f"  unfinished             {grow.count[samples & ~grow.finished].sum():,} samples cut at the maximum length",
        "",
        f"Reward {reward}, weighted by count",
        describe("samples", grow.reward[samples], grow.count[samples], ".3f"),
        describe("originals", grow.reward[originals], grow.count[originals], ".3f"),
        f"  V_pi (all of D_g)      {np.average(grow.reward, weights=grow.count):.4f}",
        "",
        "Length in pieces (end piece not counted), weighted by count",
        describe("samples", grow.length[samples], grow.count[samples], ".1f"),
        describe("originals", grow.length[originals], grow.count[originals], ".1f"),
        "",
        "Within a source, over its samples",
        describe("mean reward", per_source.mean, per_source.samples, ".3f"),
        describe("standard deviation", per_source.spread, per_source.samples, ".3f"),
        describe("best reward", per_source.best, per_source.samples, ".3f"),
        describe("distinct share", per_source.distinct / per_source.samples, per_source.samples, ".3f"),
        "",
        "What a threshold keeps",
        "  R >       candidates    share   sources without a kept sample",
    ]
    for threshold in THRESHOLDS:
        kept = grow.count[grow.above(threshold)].sum()
        empty = int((per_source.best <= np.float32(threshold)).sum())
        lines.append(f"  {threshold:<6g} {kept:>13,} {100 * kept / grow.count.sum():>6.1f} %   {empty:,} "
                     f"({100 * empty / max(len(per_source.best), 1):.1f} %)")
    return "\n".join(lines)


def choose(grow, order, how_many):
    """The first rows of an order, one a source."""
    rows, seen = [], set()
    for row in order:
        if grow.source[row] not in seen:
            seen.add(grow.source[row])
            rows.append(row)
        if len(rows) == how_many:
            break
    return rows


def examples_text(run, grow, how_many):
    """Best and worst finished samples; of equal rewards the longest, which say most."""
    sources, references = run.corpus_text("train", "source"), run.corpus_text("train", "target")
    rows = np.flatnonzero(~grow.original & grow.finished & (grow.length > 0))
    longest_first = rows[np.argsort(-grow.length[rows].astype(np.int64), kind="stable")]
    rising = longest_first[np.argsort(grow.reward[longest_first], kind="stable")]
    falling = longest_first[np.argsort(-grow.reward[longest_first], kind="stable")]
    lines = []
    for title, order in (("Best samples", falling), ("Worst samples", rising)):
        lines.append(f"\n{title}, one a source")
        for row in choose(grow, order, how_many):
            source = grow.corpus_row[grow.source[row]]
            lines.append(f"  reward {grow.reward[row]:.3f}, drawn {grow.count[row]} x, log-probability "
                         f"{grow.log_prob[row]:.1f}, source {source}")
            for name, texts in (("source", sources), ("reference", references)):
                if source < len(texts):
                    lines.append(f"    {name:<10} {texts[source]}")
            lines.append(f"    {'sample':<10} {run.decode(grow.tokens(row))}")
    return "\n".join(lines)


def draw_histogram(axes, grow, values, bins, **labels):
    """Shares of all candidates, originals stacked on samples."""
    kinds = (("samples", ~grow.original, SAMPLED), ("originals", grow.original, ORIGINAL))
    kinds = [kind for kind in kinds if kind[1].any()]
    axes.hist([values[rows] for _, rows, _ in kinds], bins, stacked=True,
              weights=[100 * grow.count[rows] / grow.count.sum() for _, rows, _ in kinds],
              label=[name for name, _, _ in kinds], color=[colour for _, _, colour in kinds])
    axes.set(ylabel="candidates (%)", **labels)
    axes.legend()


def draw_distinct(axes, per_source):
    """How many different samples a source has."""
    most = int(per_source.samples.max())
    width = max(1, -(-most // 40))
    bins = np.arange(1, most + width + 1, width) - 0.5
    axes.hist(per_source.distinct, bins, weights=np.full(len(per_source.distinct), 100 / len(per_source.distinct)),
              color=SAMPLED, rwidth=0.9)
    axes.set(title="Duplicates", xlabel=f"different samples of a source, of {most}", ylabel="sources (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)


def draw_spread(axes, per_source, reward):
    """Sources in order of their mean reward, averaged over groups of equal size."""
    groups = np.array_split(np.argsort(per_source.mean), min(len(per_source.mean), 50))
    at = (np.arange(len(groups)) + 0.5) * 100 / len(groups)
    mean, worst, best, spread = ([values[group].mean() for group in groups] for values in
                                 (per_source.mean, per_source.worst, per_source.best, per_source.spread))
    mean, spread = np.array(mean), np.array(spread)
    axes.fill_between(at, worst, best, color=SAMPLED, alpha=0.15, linewidth=0, label="worst to best sample")
    axes.fill_between(at, mean - spread, mean + spread, color=SAMPLED, alpha=0.3, linewidth=0,
                      label="standard deviation")
    axes.plot(at, mean, color=SAMPLED, linewidth=1.8, label="mean")
    axes.set(title="Spread within sources", xlabel="sources in order of their mean reward (%)",
             ylabel=f"reward {reward}", xlim=(0, 100), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def draw(run, grow, number, reward, per_source, path):
    figure, ((rewards, lengths), (duplicates, spread)) = new_figure(2, 2, figsize=(10.5, 7))
    draw_histogram(rewards, grow, grow.reward, np.linspace(0, 1, 41), title="Reward", xlabel=f"reward {reward}")
    longest = int(grow.length.max())
    step = max(1, -(-longest // 60))
    draw_histogram(lengths, grow, grow.length, np.arange(0, longest + 2 * step, step) - 0.5, title="Length",
                   xlabel="pieces")
    if len(per_source.mean):
        draw_distinct(duplicates, per_source)
        draw_spread(spread, per_source, reward)
    figure.suptitle(f"Grow step g{number} of run {run.name}: {grow.count.sum():,} candidates of "
                    f"{grow.sources:,} sources", fontsize=11)
    figure.savefig(path)


def main():
    parser = arguments(__doc__)
    grow_arguments(parser)
    parser.add_argument("--examples", type=at_least(0), default=5, metavar="N", help="examples of each kind [5]")
    options = parser.parse_args()
    run = Run(options.run)
    reward = run.reward_name(options.reward)
    grow = GrowStep(run, options.grow_step, reward)
    if not grow.complete:
        warn(f"{grow.path} has no index yet: these are the shards that are complete")
    per_source = PerSource(grow)
    text = (figures_text(run, grow, options.grow_step, reward, per_source) + "\n" +
            examples_text(run, grow, options.examples) + "\n")
    name = f"grow_summary.g{options.grow_step}.{reward}"
    paths = [run.write_report(name + ".txt", text, options.out), run.report(name + ".png", options.out)]
    draw(run, grow, options.grow_step, reward, per_source, paths[-1])
    print(text)
    print(*paths, sep="\n")


if __name__ == "__main__":
    start(main)
