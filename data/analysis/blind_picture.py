"""Picture of a blinded comparison: preferences, ratings, relation to the reward."""

import numpy as np

from rest_run import GREEDY, ORIGINAL, SAMPLED, new_figure


def legend_below(axes, columns):
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns, fontsize=9, columnspacing=1,
                handlelength=1.4)


def draw_preferences(axes, figures):
    first, second = figures["policies"]
    names = list(figures["raters"]) + ["all judgements", "majority"]
    p = figures["preference"]
    counts = list(figures["raters"].values()) + [p["judgements"], p["majority"]["items"]]
    at = np.arange(len(names))[::-1].astype(float)
    at[:-2] += 0.4  # the raters stand apart
    shares = np.array([[100 * part / sum(row) for part in row] for row in counts])
    begin = np.zeros(len(names))
    for i, (name, colour, ink) in enumerate(((f"{first} better", ORIGINAL, "black"), ("same", "#E6E6E6", "black"),
                                             (f"{second} better", SAMPLED, "white"))):
        axes.barh(at, shares[:, i], 0.66, begin, color=colour, edgecolor="white", linewidth=0.8, label=name)
        for row, share in enumerate(shares[:, i]):
            if share >= 7:
                axes.annotate(f"{share:.0f}", (begin[row] + share / 2, at[row]), ha="center", va="center", color=ink,
                              fontsize=9)
        begin += shares[:, i]
    # The interval of the last share, at the edge of its bar.
    edge, low, high = (100 * (1 - p[key][2]) for key in ("shares", "high", "low"))
    axes.errorbar(edge, at[-2] + 0.22, xerr=[[edge - low], [high - edge]], color="black", capsize=3, linewidth=1.2)
    axes.axvline(50, color="#444444", linewidth=0.8, linestyle=":")
    axes.set_yticks(at, names)
    axes.grid(False)
    axes.set(title="Preference", xlabel="judgements (%), with a 95 % interval", xlim=(0, 100))
    legend_below(axes, 3)


def draw_means(axes, figures):
    """Mean rating of each policy by its mean reward: does what people say follow the reward?"""
    ratings, rewards = figures["ratings"], figures["with_reward"]["mean_rewards"]
    for name, policy, reward, colour, mark in (("first", figures["policies"][0], rewards[0], ORIGINAL, "s"),
                                               ("second", figures["policies"][1], rewards[1], SAMPLED, "o")):
        value, (low, high) = ratings[name]["value"], ratings[name]["interval"]
        axes.errorbar(reward, value, [[value - low], [high - value]], color=colour, marker=mark, markersize=7, capsize=4,
                      linewidth=1.5, label=policy)
    axes.margins(x=0.5, y=0.3)
    axes.locator_params(axis="x", nbins=5)
    axes.set(title="Ratings", xlabel=f"mean reward {figures['reward']} of the items", ylabel="mean rating, 95 % interval")
    legend_below(axes, 2)


def draw_relation(axes, judged, figures):
    human, gap = judged.item_scores(), judged.rewards[:, 1] - judged.rewards[:, 0]
    level = np.argsort(np.argsort(gap, kind="stable"), kind="stable") / max(len(gap) - 1, 1) - 0.5
    axes.axhline(0, color=ORIGINAL, linewidth=0.8)
    axes.axvline(0, color=ORIGINAL, linewidth=0.8)
    # Items of one score are pulled apart a little, by their place in the order of rewards, so that none hides another.
    axes.scatter(gap, human + 0.12 * np.sin(37 * level), s=16, color=SAMPLED, alpha=0.35, linewidth=0, label="items")
    groups = np.array_split(np.argsort(gap, kind="stable"), min(5, len(gap)))
    axes.plot([gap[g].mean() for g in groups], [human[g].mean() for g in groups], "D-", color=GREEDY, markersize=6,
              linewidth=1.5, label="means of fifths")
    first, second = figures["policies"]
    spearman = figures["with_reward"]["spearman"]["value"]
    title = "Preference and reward" + ("" if spearman is None else f": Spearman {spearman:+.2f}")
    axes.set(title=title, xlabel=f"reward of {second} minus {first} ({figures['reward']})",
             ylabel=f"mean preference\n(-1 {first}, 1 {second})", ylim=(-1.25, 1.25))
    legend_below(axes, 2)


def draw(judged, figures, caption, path):
    rated = figures["ratings"] is not None
    widths = [1.5, 0.9, 1.2] if rated else [1.5, 1.2]
    figure, axes = new_figure(1, len(widths), figsize=(3.9 * sum(widths), 4.4), width_ratios=widths)
    draw_preferences(axes[0], figures)
    if rated:
        draw_means(axes[1], figures)
    draw_relation(axes[-1], judged, figures)
    figure.suptitle(caption, fontsize=10.5)
    figure.savefig(path)
