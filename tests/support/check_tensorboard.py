#!/usr/bin/env python3
"""Compares the event files of a run, read by TensorBoard, with the files they were made from."""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])


def scalars(name):
    events = EventAccumulator(str(run / "report" / "tensorboard" / name), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}, events


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def same(what, found, expected):
    assert expected, f"nothing to compare: {what}"
    assert found.keys() == expected.keys(), f"{what}: steps {sorted(found)} instead of {sorted(expected)}"
    for step, value in expected.items():
        assert abs(found[step] - value) <= 1e-6 * max(1.0, abs(value)), f"{what} at {step}: {found[step]}, not {value}"


for policy, folder, key, tag in [
        ("g0-i0", "policy/g0-i0", "loss", "train/loss"),
        ("g0-i0", "policy/g0-i0", "learning_rate", "train/learning_rate"),
        ("g0-i0", "policy/g0-i0", "validation_perplexity", "validation/perplexity"),
        ("bc/g1-i0", "improve/bc/g1-i0", "reward", "validation/reward")]:
    found, _ = scalars(policy)
    same(f"{tag} of {policy}", found[tag], {x["update"]: x[key] for x in lines(run / folder / "metrics.jsonl") if key in x})

found, events = scalars("g0-i0")
speed = lines(run / "log" / "speed.g0-i0.jsonl")
same("speed", found["speed/target_tokens_per_second"], {x["update"]: x["target_tokens_per_second"] for x in speed})
assert len(events.Scalars("train/loss")) == len(found["train/loss"]), "figures stand there twice"

found, _ = scalars("evaluation/bc.valid")
policies = ["g0-i0", "bc_g1-i0"]
metrics = [json.loads((run / "metrics" / f"{p}.valid.json").read_text()) for p in policies]
same("BLEU", found["greedy/bleu"], {i: m["greedy"]["bleu"] for i, m in enumerate(metrics)})
same("reward", found["reward/sampled"], {i: m["sampled"]["mean_reward"] for i, m in enumerate(metrics)})
