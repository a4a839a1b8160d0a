#!/usr/bin/env python3
"""TensorBoard event files of a run: training curves of every policy, speed, and evaluations by step.

Writes report/tensorboard/ of the run anew: a folder for each policy (metrics.jsonl by update, speed from log/) and one for
each variant and corpus that was evaluated (metrics/*.json by the policy's place in the variant). Look at them with
tensorboard --logdir RUN/report/tensorboard"""

import argparse
import json
import math
from datetime import datetime
from pathlib import Path

from rest_run import Problem, Run, figure_of, warn

EVALUATION = {
    "reward/sampled": ("sampled", "mean_reward"), "reward/greedy": ("greedy", "mean_reward"),
    "greedy/bleu": ("greedy", "bleu"), "greedy/chrf": ("greedy", "chrf"),
    "greedy/length_ratio": ("greedy", "length_ratio"), "greedy/distinct_1": ("greedy", "distinct_1"),
    "greedy/distinct_2": ("greedy", "distinct_2"), "kl_to_g0-i0": ("kl", "mean_per_position")}
TRAINING = ("loss", "perplexity", "gradient_norm", "learning_rate", "tokens")


def event_writer():
    """The writer class of tensorboardX, or the same one that comes with PyTorch and TensorBoard."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise Problem("neither tensorboardX nor PyTorch with tensorboard is installed; "
                          "install one: pip install tensorboardX") from None
    return SummaryWriter


def json_lines(path):
    """The objects of a file, one a line; a line that is still being written is left out."""
    objects = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            objects.append(json.loads(line))
        except json.JSONDecodeError:
            warn(f"{path}: a line that is no JSON is left out")
    return objects


def tag_of(key):
    """Groups of curves: train/loss, validation/perplexity, validation/reward."""
    if key in TRAINING:
        return f"train/{key}"
    return "validation/" + key.removeprefix("validation_")


def add_figures(writer, figures, step, time):
    """Writes what is a number; gives how many there were."""
    numbers = {tag: value for tag, value in figures.items()
               if isinstance(value, (int, float)) and math.isfinite(value)}
    for tag, value in numbers.items():
        writer.add_scalar(tag, value, step, walltime=time)
    return len(numbers)


def policy_folders(run):
    """Name and folder of every policy that has been trained, complete or not."""
    files = sorted((run.path / "policy").glob("*/metrics.jsonl")) + sorted((run.path / "improve").glob("*/*/metrics.jsonl"))
    for file in files:
        folder = file.parent
        in_variant = folder.parent.parent.name == "improve"
        yield (f"{folder.parent.name}/{folder.name}" if in_variant else folder.name), folder


def write_policy(writer, run, name, folder):
    file = folder / "metrics.jsonl"
    time = file.stat().st_mtime
    count = 0
    for line in json_lines(file):
        figures = {tag_of(key): value for key, value in line.items() if key not in ("update", "epoch")}
        count += add_figures(writer, figures, line["update"], time)
    for line in json_lines(run.path / "log" / f"speed.{name.replace('/', '_')}.jsonl"):
        when = datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        figures = {f"speed/{key}": line.get(key) for key in ("updates_per_second", "target_tokens_per_second")}
        count += add_figures(writer, figures, line["update"], when)
    return count


def write_evaluations(open_writer, run, variant, corpus):
    found = [(place, metrics) for place, policy in enumerate(run.policies(variant))
             if (metrics := run.metrics(policy, corpus)) is not None]
    if not found:
        return 0
    time = (run.path / "metrics").stat().st_mtime
    with open_writer(f"evaluation/{variant}.{corpus}") as writer:
        return sum(add_figures(writer, {tag: figure_of(metrics, *keys) for tag, keys in EVALUATION.items()}, place, time)
                   for place, metrics in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="run directory")
    parser.add_argument("--out", type=Path, help="folder for the event files [report/tensorboard of the run]")
    options = parser.parse_args()
    run = Run(options.run)
    out = options.out or run.report("tensorboard")
    writer_class = event_writer()

    def open_writer(name):
        # Event files are only ever added to: what an earlier call wrote would stand there twice.
        for old in (out / name).glob("events.out.tfevents.*"):
            old.unlink()
        return writer_class(str(out / name))

    curves = {}
    for name, folder in policy_folders(run):
        with open_writer(name) as writer:
            curves[name] = write_policy(writer, run, name, folder)
    variants = sorted({name.split("/")[0] for name in curves if "/" in name}) or ["bc"]
    for variant in variants:
        for corpus in ("valid", "test"):
            curves[f"{variant}, {corpus}"] = write_evaluations(open_writer, run, variant, corpus)
    if not any(curves.values()):
        raise Problem(f"{run.path} has neither metrics.jsonl of a policy nor evaluations; run rest_train")
    for name, count in curves.items():
        if count:
            print(f"{name}: {count} figures")
    print(f"look at them with: tensorboard --logdir {out}")


if __name__ == "__main__":
    main()
