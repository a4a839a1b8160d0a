#!/usr/bin/env python3
"""Table of a run: every policy's reward, BLEU and chrF, and the candidates its Improve step kept.

Also writes it to report/table.md of the run, for all corpora that were evaluated."""

import math

from rest_run import Problem, Run, arguments, figure_of, start, trained_on
from tables import as_markdown, as_text

HEADINGS = ["policy", "trained on", "candidates", "kept", "reward, sampled", "95 % interval", "reward, greedy",
            "watched, sampled", "watched, greedy", "BLEU", "chrF", "KL"]
LEFT = 2  # columns of text


def number(value, form):
    return "-" if math.isnan(value) else format(value, form)


def interval(figures):
    low, high = figure_of(figures, "low"), figure_of(figures, "high")
    return "-" if math.isnan(low) else f"{low:.4f} - {high:.4f}"


def row(label, step, metrics):
    sampled = metrics.get("sampled", {})
    return [label, trained_on(step), number(figure_of(step, "kept", "candidates"), ",.0f"),
            number(100 * figure_of(step, "kept_share"), ".1f") + (" %" if "kept_share" in step else ""),
            number(figure_of(sampled, "mean_reward"), ".4f"), interval(sampled),
            number(figure_of(metrics, "greedy", "mean_reward"), ".4f"),
            number(figure_of(metrics, "watched", "sampled", "mean_reward"), ".4f"),
            number(figure_of(metrics, "watched", "greedy", "mean_reward"), ".4f"),
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


def shown(rows):
    """Headings and rows without the columns of the watched reward where none was watched."""
    columns = [i for i, name in enumerate(HEADINGS)
               if not name.startswith("watched") or any(row[i] != "-" for row in rows)]
    return [HEADINGS[i] for i in columns], [[row[i] for i in columns] for row in rows]


def caption(run, variant, corpus):
    metrics = run.metrics("g0-i0", corpus) or {}
    sampled = metrics.get("sampled", {})
    half = " (report half)" if corpus == "valid" else ""
    watched = metrics.get("watched", {}).get("reward")
    return (f"{run.name}, variant {variant}, {corpus}{half}: {metrics.get('sources', '?')} sources, reward "
            f"{metrics.get('reward', '?')}{f', watched {watched}' if watched else ''}, T = {sampled.get('temperature', '?')}, {sampled.get('samples', '?')} samples; "
            "BLEU and chrF of greedy output; KL to g0-i0 per position in nats")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--variant", default="bc", metavar="NAME", help="Improve variant [bc]")
    parser.add_argument("--corpus", default="valid", choices=["valid", "test"], help="corpus to print [valid]")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    run = Run(options.run)
    rows, notes = collect(run, options.variant, options.corpus)
    if not rows:
        raise Problem(f"{run.path / 'metrics'} has no evaluation on {options.corpus}; run rest_evaluate")
    pages = []
    for corpus in ("valid", "test"):
        page_rows, page_notes = collect(run, options.variant, corpus)
        if page_rows:
            pages.append("\n\n".join([caption(run, options.variant, corpus), as_markdown(*shown(page_rows), LEFT)] +
                                     page_notes))
    run.write_report("table.md", "\n\n".join(pages) + "\n", options.out)
    print(caption(run, options.variant, options.corpus) + "\n")
    print((as_markdown if options.markdown else as_text)(*shown(rows), LEFT))
    for note in notes:
        print(("\n" if options.markdown else "") + note)


if __name__ == "__main__":
    start(main)
