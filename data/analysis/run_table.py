#!/usr/bin/env python3
"""Table of a run: every policy's reward, BLEU and chrF, and the candidates its Improve step kept.

Also writes it to report/table.md of the run, for all corpora that were evaluated."""

import argparse
import math

from rest_run import Problem, Run, figure_of, training_data

HEADINGS = ["policy", "trained on", "candidates", "kept", "reward, sampled", "95 % interval", "reward, greedy",
            "BLEU", "chrF", "KL"]


def number(value, form):
    return "-" if math.isnan(value) else format(value, form)


def interval(figures):
    low, high = figure_of(figures, "low"), figure_of(figures, "high")
    return "-" if math.isnan(low) else f"{low:.4f} - {high:.4f}"


def row(label, step, metrics):
    sampled = metrics.get("sampled", {})
    return [label, training_data(step), number(figure_of(step, "kept", "candidates"), ",.0f"),
            number(100 * figure_of(step, "kept_share"), ".1f") + (" %" if "kept_share" in step else ""),
            number(figure_of(sampled, "mean_reward"), ".4f"), interval(sampled),
            number(figure_of(metrics, "greedy", "mean_reward"), ".4f"),
            number(figure_of(metrics, "greedy", "bleu"), ".2f"), number(figure_of(metrics, "greedy", "chrf"), ".2f"),
            number(figure_of(metrics, "kl", "mean_per_position"), ".4f")]


def collect(run, variant, corpus):
    """Rows of the table, and notes on steps that were left out."""
    rows, notes = [], []
    for policy in run.policies(variant):
        step, metrics = run.step(policy), run.metrics(policy, corpus)
        if step.get("moot"):
            notes.append(f"{policy} was left out: {step.get('reason', 'moot')}")
        elif metrics is None:
            notes.append(f"{policy} has not been evaluated on {corpus}")
        else:
            rows.append(row(policy, step, metrics))
        for control in run.controls(policy, corpus):
            label = f"{policy}, T = {figure_of(control, 'sampled', 'temperature'):g}"
            rows.append(row(label, step, control))
    return rows, notes


def caption(run, variant, corpus):
    metrics = run.metrics("g0-i0", corpus) or {}
    sampled = metrics.get("sampled", {})
    half = " (report half)" if corpus == "valid" else ""
    return (f"{run.path.name}, variant {variant}, {corpus}{half}: {metrics.get('sources', '?')} sources, reward "
            f"{metrics.get('reward', '?')}, T = {sampled.get('temperature', '?')}, {sampled.get('samples', '?')} samples; "
            "BLEU and chrF of greedy output; KL to g0-i0 per position in nats")


def as_text(rows):
    lines = [HEADINGS] + rows
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    shown = []
    for line in lines:
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "-" * max(map(len, shown)))
    return "\n".join(shown)


def as_markdown(rows):
    rule = ["---"] * 2 + ["---:"] * (len(HEADINGS) - 2)
    return "\n".join("| " + " | ".join(line) + " |" for line in [HEADINGS, rule] + rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="run directory")
    parser.add_argument("--variant", default="bc", help="Improve variant [bc]")
    parser.add_argument("--corpus", default="valid", help="corpus to print [valid]")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    run = Run(options.run)
    rows, notes = collect(run, options.variant, options.corpus)
    if not rows:
        raise Problem(f"{run.path / 'metrics'} has no evaluation on {options.corpus}; run rest_evaluate")
    print(caption(run, options.variant, options.corpus) + "\n")
    print(as_markdown(rows) if options.markdown else as_text(rows))
    for note in notes:
        print(("\n" if options.markdown else "") + note)
    pages = []
    for corpus in ("valid", "test"):
        rows, notes = collect(run, options.variant, corpus)
        if rows:
            pages.append("\n\n".join([caption(run, options.variant, corpus), as_markdown(rows)] + notes))
    run.write_report("table.md", "\n\n".join(pages) + "\n")


if __name__ == "__main__":
    main()
