"""Picture of a Grow step's structure: spread, lengths, duplicates."""

import numpy as np

from rest_run import CONTROL, GREEDY, ORIGINAL, SAMPLED, new_figure


def draw_variance(axes, of, reward):
    """Cumulative shares of sources: one line a measure, told apart by dashes too."""
    at = np.arange(1, len(of["mean"]) + 1) * 100 / len(of["mean"])
    for values, name, colour, style in ((of["deviation"], "standard deviation", CONTROL, ":"),
                                        (of["best"] - of["mean"], "best minus mean", SAMPLED, "-"),
                                        (of["best"] - of["worst"], "best minus worst", GREEDY, "--")):
        axes.plot(np.sort(values), at, style, color=colour, linewidth=1.8, label=name)
    axes.set(title="Spread within a source", xlabel=f"difference in reward {reward}", ylabel="sources at or below (%)",
             ylim=(0, 101), xlim=(0, None))
    axes.legend(loc="lower right")


def draw_gap(axes, of, reward):
    """Sources in order of their mean, averaged over groups of equal size: where there is something to gain."""
    groups = np.array_split(np.argsort(of["mean"], kind="stable"), min(len(of["mean"]), 50))
    at = (np.arange(len(groups)) + 0.5) * 100 / len(groups)
    mean, best, worst = (np.array([of[key][group].mean() for group in groups]) for key in ("mean", "best", "worst"))
    axes.fill_between(at, worst, best, color=SAMPLED, alpha=0.18, linewidth=0, label="worst to best")
    axes.plot(at, best, "--", color=GREEDY, linewidth=1.6, label="best of a source")
    axes.plot(at, mean, color=SAMPLED, linewidth=1.8, label="mean of a source")
    axes.set(title="Spread between sources", xlabel="sources in order of their mean reward (%)",
             ylabel=f"reward {reward}", xlim=(0, 100), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def draw_binned(axes, binned, at, width, title, xlabel, reward):
    """Mean and quartiles of the reward over bars of how many samples a bin holds; bins of less than 0.1 % are left out."""
    share = binned.shares()
    seen = share > 0.001
    background = axes.twinx()
    background.bar(at, 100 * share, width, color="#D9D9D9", linewidth=0)
    background.set(ylim=(0, 300 * max(share.max(), 1e-9)), yticks=[])
    background.spines[:].set_visible(False)
    background.grid(False)
    axes.set_zorder(background.get_zorder() + 1)
    axes.patch.set_visible(False)
    means = np.where(seen, binned.means(), np.nan)
    axes.fill_between(at, np.where(seen, binned.percentile(25), np.nan), np.where(seen, binned.percentile(75), np.nan),
                      color=SAMPLED, alpha=0.2, linewidth=0, label="middle half")
    axes.plot(at, means, "o-", color=SAMPLED, linewidth=1.8, markersize=3.5, label="mean")
    axes.fill_between([], [], [], color="#D9D9D9", label="samples")
    shown = at[share > 1e-4]
    axes.set(title=title, xlabel=xlabel, ylabel=f"reward {reward}", ylim=(0, 1.16), yticks=np.arange(0, 1.1, 0.2),
             xlim=(shown.min() - 2 * width[0], shown.max() + 2 * width[0]))
    axes.legend(loc="upper center", ncols=3, fontsize=9, columnspacing=1.2)


def bin_names(edges):
    return [f"{a}" if b == a + 1 else f"{a}-{b - 1}" if b < 1 << 40 else f"{a}+" for a, b in zip(edges, edges[1:])]


def draw_counts(axes, structure, reward):
    """How often samples were drawn, and what they earn."""
    binned = structure.by_count
    shares, means = 100 * binned.shares(), binned.means()
    used = np.flatnonzero(shares > 0)
    used = np.arange(used.max() + 1)
    axes.bar(used, shares[used], 0.75, color="#D9D9D9", label="samples")
    for i in used:
        if shares[i] > 0:
            axes.annotate(f"{means[i]:.2f}", (i, shares[i]), xytext=(0, 3), textcoords="offset points", ha="center",
                          fontsize=8.5, color=SAMPLED)
    axes.set_xticks(used, [bin_names(binned.edges.astype(np.int64))[i] for i in used])
    axes.set(title="Duplicates", xlabel=f"times drawn (above the bars: mean reward {reward})", ylabel="samples (%)")
    axes.margins(y=0.15)


def draw_distinct(axes, of):
    most = int(of["samples"].max())
    width = max(1, -(-most // 40))
    bins = np.arange(1, most + width + 1, width) - 0.5
    axes.hist(of["distinct"], bins, weights=np.full(len(of["distinct"]), 100 / len(of["distinct"])), color=SAMPLED,
              rwidth=0.9)
    axes.set(title="Diversity", xlabel=f"different samples of a source, of {most}", ylabel="sources (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)


def draw(words, structure, reward, path):
    of = structure.per_source.columns()
    figure, axes = new_figure(2, 3, figsize=(13.5, 7.4))
    draw_variance(axes[0, 0], of, reward)
    draw_gap(axes[1, 0], of, reward)
    edges = structure.by_length.edges
    draw_binned(axes[0, 1], structure.by_length, (edges[:-1] + edges[1:]) / 2, np.diff(edges), "Reward by length",
                "pieces", reward)
    ratio = structure.by_ratio
    if ratio.weight.any():
        draw_binned(axes[1, 1], ratio, (ratio.edges[:-1] + ratio.edges[1:]) / 2, np.diff(ratio.edges),
                    "Reward by length ratio", "length of the sample / length of the original", reward)
        axes[1, 1].plot([1, 1], [0, 1], color=ORIGINAL, linestyle=":", linewidth=1.2)
    else:
        axes[1, 1].set_axis_off()
    draw_counts(axes[0, 2], structure, reward)
    draw_distinct(axes[1, 2], of)
    figure.suptitle(words, fontsize=10.5)
    figure.savefig(path)
