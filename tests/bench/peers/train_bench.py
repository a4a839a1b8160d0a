"""Times this project's training against Hugging Face and plain PyTorch, and against the machine. See train_peers.sh."""

import argparse
import pathlib

import figures
import train_parts
from programs import ProgramFailed, Programs
from train_setting import TRAIN, TrainBench

PARTS = {"tiny": train_parts.tiny, "peak": train_parts.peak, "ranks": train_parts.ranks, "mini": train_parts.mini,
         "shared_encoder": train_parts.shared_encoder, "memory": train_parts.memory}
# key: (reach, go for, whether more is better)
TARGETS = {
    "f32_vs_hf_f32": (1.15, 1.35, True), "best_vs_hf_bf16": (1.15, 1.6, True), "best_vs_hf_default": (2.0, 3.0, True),
    "peak_share": (0.55, 0.80, True), "peak_share_f32": None, "mini_vs_pytorch": (2.5, 5.0, True),
    "mini_f32_vs_pytorch": None, "ranks_2_vs_2_processes": (0.9, 0.97, True), "shared_encoder": (1.2, 1.3, True),
    "big_gb_a_rank": None, "big_gb_a_rank_checkpointed": None,
}


def arguments():
    parser = argparse.ArgumentParser(prog="train_peers.sh", description=__doc__)
    figures.add_options(parser, PARTS, rounds=3)
    parser.add_argument("--data", type=pathlib.Path, help="folder of Multi30k: train and val, .en.gz and .de.gz")
    options = parser.parse_args()
    if not options.data and not options.quick:
        parser.error("--data FOLDER is needed: real sentences (--quick takes the synthetic corpus instead)")
    return options


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    names = figures.chosen(PARTS, options.parts)
    bench = TrainBench(options.work.resolve(), Programs(options.bin, options.work), options.rounds, options.quick,
                       options.data)
    facts = {**figures.circumstances(bench, ("transformers", "torch")), "train": TRAIN}
    bench.say(f"{TRAIN['tokens_per_update']} target tokens an update (end pieces counted) of neighbours in length, the "
              f"same sentences for all; {bench.rounds} rounds in turns. Rates are target tokens a second over whole "
              "updates, start and first updates excluded; the peers' batches are made before the clock starts. Hugging "
              "Face: M2M100, which is Marian with the norms in front, dropout at the same places.")
    values = figures.run_parts(bench, PARTS, names, facts, options.json)
    figures.print_figures(bench, TARGETS, values)


if __name__ == "__main__":
    try:
        main()
    except ProgramFailed as failure:
        raise SystemExit(f"error: a program failed: {failure}")
