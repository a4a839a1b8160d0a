#!/usr/bin/env python3
"""Reward by Improve step (the paper's figure 3), with corpus BLEU and chrF against the references beside it, and the
watched reward where evaluations have one."""

import math
import textwrap

from rest_run import CONTROL, GREEDY, SAMPLED, Problem, Run, arguments, figure_of, new_figure, start, trained_on


def label(policy, step):
    return "\n".join([policy.split("/")[-1]] + textwrap.wrap(trained_on(step), 16))


def draw_rewards(axes, metrics, keys, colour, name, shift):
    """Means with their 95 % intervals; the two series stand a little apart, so that intervals stay legible."""
    at = [i + shift for i in range(len(metrics))]
    mean = [figure_of(m, *keys, "mean_reward") for m in metrics]
    if all(map(math.isnan, mean)):
        return
    below = [value - figure_of(m, *keys, "low") for value, m in zip(mean, metrics)]
    above = [figure_of(m, *keys, "high") - value for value, m in zip(mean, metrics)]
    axes.errorbar(at, mean, yerr=[below, above], color=colour, marker="o", markersize=5, linewidth=1.5,
                  elinewidth=1.2, capsize=3, label=name)


def draw_reward(axes, run, corpus, metrics, keys, title, name):
    """Sampled and greedy, and g0-i0 at other temperatures; `keys` lead to the figures of the reward."""
    draw_rewards(axes, metrics, (*keys, "sampled"), SAMPLED, f"sampled{temperature_of(metrics[0])}", -0.05)
    draw_rewards(axes, metrics, (*keys, "greedy"), GREEDY, "greedy", 0.05)
    for control in run.controls("g0-i0", corpus):
        mean = figure_of(control, *keys, "sampled", "mean_reward")
        if not math.isnan(mean):
            axes.axhline(mean, color=CONTROL, linestyle=":", linewidth=1.5,
                         label=f"g0-i0 sampled{temperature_of(control)} (control)")
    axes.set(title=title, ylabel=f"mean reward{f' ({name}, 0 - 1)' if name else ''}")
    axes.legend(loc="best")


def draw_score(axes, metrics, key, title):
    values = [figure_of(m, "greedy", key) for m in metrics]
    axes.plot(range(len(values)), values, color=GREEDY, marker="o", markersize=5, linewidth=1.5)
    for i, value in enumerate(values):
        if not math.isnan(value):
            axes.annotate(f"{value:.1f}", (i, value), xytext=(0, 7), textcoords="offset points", ha="center",
                          fontsize=8, color="#444444",
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    axes.margins(y=0.2)
    axes.set(title=title, ylabel=f"{title} (0 - 100)")


def temperature_of(metrics):
    temperature = figure_of(metrics, "sampled", "temperature")
    return "" if math.isnan(temperature) else f", T = {temperature:g}"


def draw(run, variant, corpus, path):
    named = [(policy, run.step(policy), run.metrics(policy, corpus)) for policy in run.policies(variant)]
    named = [(policy, step, metrics) for policy, step, metrics in named if metrics]
    if not named:
        raise Problem(f"{run.path / 'metrics'} has no evaluation on {corpus}; run rest_evaluate")
    metrics = [m for _, _, m in named]
    watched = next((m["watched"] for m in metrics if "watched" in m), None)
    widths = [1.7, 1.7, 1, 1] if watched else [1.7, 1, 1]
    figure, (*rewards, bleu, chrf) = new_figure(1, len(widths), figsize=(2.8 * sum(widths) + 3, 4.2),
                                                width_ratios=widths)
    draw_reward(rewards[0], run, corpus, metrics, (), f"Mean reward on {corpus}", metrics[0].get("reward", ""))
    if watched:
        draw_reward(rewards[1], run, corpus, metrics, ("watched",), "Watched, never optimised", watched.get("reward", ""))
    draw_score(bleu, metrics, "bleu", "BLEU")
    draw_score(chrf, metrics, "chrf", "chrF")
    labels = [label(policy, step) for policy, step, _ in named]
    for axes in (*rewards, bleu, chrf):
        small = axes in (bleu, chrf) and len(labels) > 4
        axes.set_xticks(range(len(labels)), labels, fontsize=7.5 if small else 9)
        axes.set_xlim(-0.4, len(labels) - 0.6)
    figure.supxlabel("policy, and the candidates its step trained on", fontsize=10)
    figure.suptitle(f"Reward by Improve step: run {run.name}, variant {variant}; bars are 95 % "
                    "bootstrap intervals, BLEU and chrF are of greedy output against the references", fontsize=10)
    figure.savefig(path)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--variant", default="bc", metavar="NAME", help="Improve variant [bc]")
    parser.add_argument("--corpus", default="valid", choices=["valid", "test"], help="corpus evaluated on [valid]")
    options = parser.parse_args()
    run = Run(options.run)
    path = run.report(f"reward_by_step.{options.variant}.{options.corpus}.png", options.out)
    draw(run, options.variant, options.corpus, path)
    print(path)


if __name__ == "__main__":
    start(main)
