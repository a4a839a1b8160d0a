#!/usr/bin/env python3
"""A reward against human ratings, in the style of the paper's figures 9 and 10: each translation's rating and reward,
and how the reward is distributed among the badly, middling and well rated thirds.

Reads what rest_reward correlate wrote."""

import numpy as np

from rest_run import (CONTROL, GREEDY, ORIGINAL, SAMPLED, Problem, Run, arguments, figure_of, new_figure, read_json,
                      start)

THIRDS = (("rated worst", GREEDY), ("between", ORIGINAL), ("rated best", CONTROL))


def read_table(path):
    if not path.exists():
        raise Problem(f"{path} is missing; run rest_reward correlate first")
    try:
        table = np.loadtxt(path, delimiter="\t", skiprows=1, ndmin=2)
    except ValueError as problem:
        raise Problem(f"{path} cannot be read ({problem}); run rest_reward correlate again") from None
    if table.shape[1:] != (2,) or not len(table):
        raise Problem(f"{path} has other columns than rating and reward; run rest_reward correlate again")
    return table[:, 0], table[:, 1]


def thirds(rating):
    """Positions of the third that is rated worst, of that between, of the best; equal ratings stay together."""
    low, high = np.quantile(rating, [1 / 3, 2 / 3])
    best = rating >= high  # often more than a third have no fault at all
    worst = (rating <= low) & ~best
    return [np.flatnonzero(where) for where in (worst, ~worst & ~best, best)]


def draw(rating, reward, name, title, path):
    figure, (scatter, density) = new_figure(1, 2, figsize=(10, 4.4))
    scatter.scatter(rating, reward, s=6, alpha=max(0.08, min(0.8, 300 / len(rating))), color=SAMPLED, linewidths=0)
    edges = np.unique(np.quantile(rating, np.linspace(0, 1, 11)))
    bins = np.clip(np.searchsorted(edges, rating, side="right") - 1, 0, len(edges) - 2)
    middle = [(rating[bins == b].mean(), reward[bins == b].mean()) for b in range(len(edges) - 1) if (bins == b).any()]
    scatter.plot(*zip(*middle), "o-", color=GREEDY, linewidth=1.6, label="mean of a tenth")
    scatter.set(title="Rating and reward", xlabel="human rating", ylabel=f"reward {name}")
    scatter.legend(loc="lower right")
    at = np.linspace(reward.min(), reward.max(), 41)
    for (label, colour), places in zip(THIRDS, thirds(rating)):
        if len(places):
            density.hist(reward[places], bins=at, density=True, histtype="step", linewidth=1.8, color=colour,
                         label=f"{label} ({len(places)})")
    density.set(title="Reward by third of the ratings", xlabel=f"reward {name}", ylabel="density")
    density.legend()
    figure.suptitle(title, fontsize=9)
    figure.savefig(path)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--reward", metavar="NAME", help="reward [the experiment's]")
    options = parser.parse_args()
    run = Run(options.run)
    name = run.reward_name(options.reward)
    report = run.path / "report"
    rating, reward = read_table(report / f"reward_correlation.{name}.tsv")
    summary = read_json(report / f"reward_correlation.{name}.json")
    figures = ", ".join(f"{words} {figure_of(summary, key, 'value'):.3f}" for words, key in
                        (("Pearson", "pearson"), ("Spearman", "spearman"), ("tau-b", "kendall_tau_b")))
    path = run.report(f"reward_against_ratings.{name}.png", options.out)
    draw(rating, reward, name, f"{summary['ratings']}: {len(rating)} translations, {figures}", path)
    print(figures)
    for (label, _), places in zip(THIRDS, thirds(rating)):
        mean = f"{reward[places].mean():.4f}" if len(places) else "-"
        print(f"{label:<12} {len(places):>7} translations, mean reward {mean}")
    print(path)


if __name__ == "__main__":
    start(main)
