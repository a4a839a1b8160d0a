#!/usr/bin/env python3
"""Structure of a Grow step's samples: spread of rewards within and between sources, rewards by length, duplicates.

Says how much a filter can choose from: a source whose samples all earn the same reward teaches nothing, and the gap
between its best sample and its mean is what Best-of-N gains there. Originals are left out but where they are named.
Everything is weighted by count. Writes text, figures as JSON and a picture to report/ of the run. Reads shard by shard:
memory grows with the sources, by some 300 bytes each, not with the candidates."""

import json

import numpy as np

from grow_shards import GrowShards, Sentences
from rest_run import Problem, Run, arguments, grow_arguments, start, weighted_percentiles
from spread_picture import draw

LEVELS = (5, 25, 50, 75, 95)  # percentiles shown


class Binned:
    """Distribution of rewards in each bin of another quantity; rewards to 1/200."""

    REWARDS = 200

    def __init__(self, edges):
        self.edges = np.asarray(edges, np.float64)  # values outside go to the first and last bin
        self.weight = np.zeros((len(edges) - 1, self.REWARDS + 1))
        self.total = np.zeros(len(edges) - 1)

    def add(self, values, rewards, weights):
        bins = len(self.edges) - 1
        at = np.clip(np.searchsorted(self.edges, values, side="right") - 1, 0, bins - 1)
        step = np.rint(np.clip(rewards, 0, 1) * self.REWARDS).astype(np.int64)
        flat = np.bincount(at * (self.REWARDS + 1) + step, weights, bins * (self.REWARDS + 1))
        self.weight += flat.reshape(self.weight.shape)
        self.total += np.bincount(at, weights * rewards, bins)

    def shares(self):
        return self.weight.sum(1) / max(self.weight.sum(), 1)

    def means(self):
        weight = self.weight.sum(1)
        return np.divide(self.total, weight, np.full(len(weight), np.nan), where=weight > 0)

    def percentile(self, level):
        reached = np.cumsum(self.weight, 1)
        wanted = reached[:, -1:] * level / 100
        found = np.argmax(reached >= wanted, 1) / self.REWARDS
        return np.where(reached[:, -1] > 0, found, np.nan)


class SourceFigures:
    """Figures of each source over its samples; sources without samples are left out."""

    NAMES = ("samples", "distinct", "mean", "deviation", "best", "worst", "most_drawn", "original_reward", "mean_length",
             "original_length", "source_length")

    def __init__(self):
        self._parts = []

    def add(self, shard, source_lengths):
        rows = np.flatnonzero(~shard.original)
        place, count, length = shard.place[rows], shard.count[rows], shard.length[rows]
        reward = shard.reward[rows].astype(np.float64)

        def total(weight):
            return np.bincount(place, weight, shard.sources)

        def most(values, start, better):
            result = np.full(shard.sources, start)
            better.at(result, place, values)
            return result

        def of_original(values):
            return np.where(shard.original_row >= 0, values[shard.original_row], np.nan)
        samples = total(count)
        n = np.maximum(samples, 1)
        mean = total(count * reward) / n
        deviation = np.sqrt(total(count * (reward - mean[place]) ** 2) / n)
        part = np.array([samples, total(np.ones(len(rows))), mean, deviation, most(reward, -np.inf, np.maximum),
                         most(reward, np.inf, np.minimum), most(count, 0, np.maximum), of_original(shard.reward),
                         total(count * length) / n, of_original(shard.length), source_lengths])
        self._parts.append(part[:, samples > 0])

    def columns(self):
        return dict(zip(self.NAMES, np.concatenate(self._parts, 1)))


class Structure:
    """All sums over a Grow step, from one pass over its shards."""

    def __init__(self, longest):
        self.per_source = SourceFigures()
        width = max(1, -(-longest // 40))
        self.by_length = Binned(np.arange(0, longest + 2 * width, width) - 0.5)
        self.by_ratio = Binned(np.arange(-0.05, 2.3, 0.1))  # to the original's length
        self.by_count = Binned(np.array([1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 1 << 40]))
        self._moments = {"all": np.zeros((3, 3)), "within": np.zeros((3, 3))}

    def add(self, shard, source_lengths):
        self.per_source.add(shard, source_lengths)
        rows = np.flatnonzero(~shard.original)
        place, count, length = shard.place[rows], shard.count[rows], shard.length[rows].astype(np.float64)
        reward = shard.reward[rows].astype(np.float64)
        self.by_length.add(length, reward, count)
        self.by_count.add(count, reward, count)
        twin = shard.original_row[place]
        paired = (twin >= 0) & (shard.length[twin] > 0)
        self.by_ratio.add(length[paired] / shard.length[twin[paired]], reward[paired], count[paired])
        self._add_moments("all", reward, length, count)
        n = np.maximum(np.bincount(place, count, shard.sources), 1)
        centred = [values - (np.bincount(place, count * values, shard.sources) / n)[place] for values in (reward, length)]
        self._add_moments("within", *centred, count)

    def _add_moments(self, name, x, y, weights):
        rows = np.stack([np.ones(len(x)), x, y])
        self._moments[name] += (rows * weights) @ rows.T

    def correlation(self, name):
        """Pearson's r of reward and length, over all samples or after taking each source's means away."""
        sums = self._moments[name]
        mean = sums[0, 1:] / sums[0, 0]
        covariance = sums[1:, 1:] / sums[0, 0] - np.outer(mean, mean)
        scale = np.sqrt(covariance[0, 0] * covariance[1, 1])
        return float(covariance[0, 1] / scale) if scale > 1e-12 else None


def distribution(values, weights):
    known = ~np.isnan(values)
    if not known.any():
        return None
    values, weights = values[known], weights[known]
    return {"mean": float(np.average(values, weights=weights)),
            "percentiles": weighted_percentiles(values, weights, LEVELS)}


def variance_figures(of):
    """Total variance of the samples' rewards = mean variance within sources + variance of the sources' means."""
    n, mean = of["samples"], of["mean"]
    within = np.average(of["deviation"] ** 2, weights=n)
    between = np.average((mean - np.average(mean, weights=n)) ** 2, weights=n)
    total = within + between
    return {"within": float(within), "between": float(between), "total": float(total),
            "within_share": float(within / total) if total > 0 else None}


def collect_figures(structure):
    of = structure.per_source.columns()
    n, flat = of["samples"], of["best"] == of["worst"]
    beats = of["best"] > of["original_reward"]
    known = ~np.isnan(of["original_reward"])
    drawn_once = structure.by_count.shares()[0]
    return {
        "sources": len(n), "samples": int(n.sum()), "distinct": int(of["distinct"].sum()),
        "mean_reward": float(np.average(of["mean"], weights=n)), "variance": variance_figures(of),
        "deviation": distribution(of["deviation"], n), "range": distribution(of["best"] - of["worst"], n),
        "best": distribution(of["best"], n), "best_minus_mean": distribution(of["best"] - of["mean"], n),
        "flat_share": float(flat.mean()),
        "best_beats_original_share": float(beats[known].mean()) if known.any() else None,
        "correlation_length": {name: structure.correlation(name) for name in ("all", "within")},
        "mean_length": distribution(of["mean_length"], n),
        "ratio_to_original": distribution(of["mean_length"] / np.maximum(of["original_length"], 1), n),
        "ratio_to_source": distribution(of["mean_length"] / np.maximum(of["source_length"], 1), n),
        "duplicate_share": float(1 - of["distinct"].sum() / n.sum()), "drawn_once_share": float(drawn_once),
        "distinct_per_source": distribution(of["distinct"], n), "most_drawn": distribution(of["most_drawn"], n)}


def as_text(words, figures):
    def line(name, key, form):
        found = figures[key]
        if found is None:
            return f"  {name:<30} unknown"
        levels = "  ".join(format(value, form) for value in found["percentiles"])
        return f"  {name:<30} mean {format(found['mean'], form)}   {'/'.join(map(str, LEVELS))} %: {levels}"

    def share(value):
        return "unknown" if value is None else f"{100 * value:.1f} %"

    def coefficient(value):
        return "unknown" if value is None else f"{value:+.3f}"
    variance = figures["variance"]
    return "\n".join([
        words, "",
        "Spread of rewards",
        f"  variance                       {variance['total']:.5f} = {variance['within']:.5f} within sources "
        f"({share(variance['within_share'])}) + {variance['between']:.5f} between",
        line("standard deviation in a source", "deviation", ".3f"),
        line("best minus worst sample", "range", ".3f"),
        line("best sample", "best", ".3f"),
        line("best minus mean", "best_minus_mean", ".3f"),
        f"  one reward for all samples     {share(figures['flat_share'])} of the sources",
        f"  best sample beats the original {share(figures['best_beats_original_share'])} of the sources",
        "",
        "Lengths in pieces, end piece not counted; means of each source",
        line("length", "mean_length", ".1f"),
        line("ratio to the original", "ratio_to_original", ".3f"),
        line("ratio to the source", "ratio_to_source", ".3f"),
        f"  correlation with the reward    {coefficient(figures['correlation_length']['all'])} over all samples, "
        f"{coefficient(figures['correlation_length']['within'])} within sources",
        "",
        "Duplicates",
        f"  samples that repeat another    {share(figures['duplicate_share'])} "
        f"({figures['distinct']:,} distinct of {figures['samples']:,})",
        f"  samples drawn once             {share(figures['drawn_once_share'])}",
        line("distinct samples of a source", "distinct_per_source", ".1f"),
        line("draws of its commonest", "most_drawn", ".1f"),
    ]) + "\n"


def main():
    parser = arguments(__doc__)
    grow_arguments(parser)
    options = parser.parse_args()
    run = Run(options.run)
    reward = run.reward_name(options.reward)
    grow = GrowShards(run, options.grow_step, [reward])
    sources = Sentences(run, "train", "source")
    structure = Structure(int(grow.sampling.get("max_length", 128)))
    for shard in grow:
        last = shard.first_source + shard.sources
        lengths = sources.lengths(shard.first_source, last) if sources else np.full(shard.sources, np.nan)
        structure.add(shard, lengths)
    if not len(structure.per_source.columns()["samples"]):
        raise Problem(f"{grow.path} holds no samples")
    figures = collect_figures(structure)
    words = (f"Samples of Grow step g{options.grow_step} of {run.name} ({grow.sampled_how()}), reward {reward}: "
             f"{figures['samples']:,} of {figures['sources']:,} sources")
    text = as_text(words, figures)
    name = f"spread.g{options.grow_step}.{reward}"
    paths = [run.write_report(name + ending, content, options.out) for ending, content in
             ((".txt", text), (".json", json.dumps(figures, indent=1) + "\n"))]
    paths.append(run.report(name + ".png", options.out))
    draw(words, structure, reward, paths[-1])
    print(text)
    print(*paths, sep="\n")


if __name__ == "__main__":
    start(main)
