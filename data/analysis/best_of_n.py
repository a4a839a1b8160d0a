#!/usr/bin/env python3
"""Best-of-N of several policies (the paper's section 4): expected reward of the best of N samples against N.

Reads what rest_evaluate --best-of wrote; draws reward against N on a logarithmic axis, and prints the table. Dotted lines
are greedy output."""

import re

from rest_run import Problem, Run, arguments, figure_of, new_figure, read_json, start

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
SHOWN = [1, 2, 5, 10, 25, 50, 100, 200]


def curves(run, corpus):
    """Of each policy the evaluation with the most samples, by (policy, temperature)."""
    found = {}
    for path in sorted((run.path / "metrics").glob(f"*.{corpus}.best_of_*.json")):
        if not re.search(r"\.best_of_\d+(\.t[\d.e+-]+)?\.json$", path.name):
            continue
        metrics = read_json(path)
        key = metrics["policy"], metrics["temperature"]
        if key not in found or found[key]["samples"] < metrics["samples"]:
            found[key] = metrics
    return found


def chosen(found, policies):
    """In the order asked for, else by Improve step: the length of a name comes before its letters."""
    missing = [policy for policy in policies if policy not in [name for name, _ in found]]
    if missing:
        there = ", ".join(sorted({name for name, _ in found})) or "none"
        raise Problem(f"no Best-of-N of {missing[0]} (there: {there}); run rest_evaluate --policy {missing[0]} --best-of")
    order = policies or sorted({name for name, _ in found}, key=lambda name: (len(name), name))
    return [(key, found[key]) for name in order for key in sorted(found) if key[0] == name]


def label(key, several_temperatures):
    policy, temperature = key
    return f"{policy}, T = {temperature:g}" if several_temperatures else policy


def shown(largest):
    """The N to name: the usual ones, and the last."""
    return [n for n in SHOWN if n < largest] + [largest]


def draw(named, corpus, title, path):
    figure, axes = new_figure(figsize=(6.4, 4.4))
    several = len({temperature for (_, temperature), _ in named}) > 1
    for ((key, metrics), colour) in zip(named, COLOURS * (1 + len(named) // len(COLOURS))):
        reward = metrics["best_reward"]
        at = range(1, len(reward["value"]) + 1)
        axes.plot(at, reward["value"], color=colour, linewidth=1.6, label=label(key, several))
        axes.fill_between(at, reward["low"], reward["high"], color=colour, alpha=0.12, linewidth=0)
        axes.axhline(figure_of(metrics, "greedy", "reward", "value"), color=colour, linestyle=":", linewidth=1)
    largest = max(metrics["samples"] for _, metrics in named)
    ticks = shown(largest)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    first = named[0][1]
    axes.set(title=f"Best of N on {corpus}", xlabel="N samples a source",
             ylabel=f"expected best reward ({first['reward']}, 0 - 1)")
    axes.legend(loc="lower right")
    figure.suptitle(title, fontsize=9)
    figure.savefig(path)


def table(named):
    ticks = shown(max(metrics["samples"] for _, metrics in named))
    width = max(len(label(key, True)) for key, _ in named)
    lines = [" " * width + "    greedy" + "".join(f"{f'N = {n}':>10}" for n in ticks)]
    for key, metrics in named:
        values = metrics["best_reward"]["value"]
        cells = [f"{values[n - 1]:10.4f}" if n <= len(values) else " " * 9 + "-" for n in ticks]
        lines.append(label(key, True).ljust(width) + f"{figure_of(metrics, 'greedy', 'reward', 'value'):10.4f}"
                     + "".join(cells))
    return "\n".join(lines)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--policy", action="append", default=[], help="policy to show (repeatable) [all there are]")
    parser.add_argument("--corpus", default="valid", choices=["valid", "test"], help="[valid]")
    options = parser.parse_args()
    run = Run(options.run)
    named = chosen(curves(run, options.corpus), options.policy)
    if not named:
        raise Problem(f"{run.path / 'metrics'} has no Best-of-N on {options.corpus}; run rest_evaluate --best-of 1,10,100")
    path = run.report(f"best_of_n.{options.corpus}.png", options.out)
    draw(named, options.corpus, f"run {run.path.resolve().name}, {named[0][1]['sources']} sources; bands are 95 % bootstrap "
         "intervals, dotted: greedy", path)
    print(table(named))
    print(path)


if __name__ == "__main__":
    start(main)
