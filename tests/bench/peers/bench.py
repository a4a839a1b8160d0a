"""Times this project's sampling against CTranslate2 and Hugging Face, and against the machine. See grow_peers.sh."""

import argparse
import pathlib

import figures
import parts
import roofline
from programs import ProgramFailed, Programs
from setting import TEMPERATURE, GrowBench

PARTS = {"base": parts.base, "big": parts.big, "tiny": parts.tiny, "trained": parts.trained, "ranks": parts.ranks,
         "memory": parts.memory, "quality": parts.quality, "roofline": roofline.roofline}
NEED_POLICY = ("trained", "quality")
# key: (reach, go for, whether more is better)
TARGETS = {
    "f32_vs_ct2_f32": (1.05, 1.25, True), "best_vs_ct2_int8": (1.25, 2.0, True),
    "big_f32_vs_ct2_f32": None, "big_best_vs_ct2_int8": None,
    "trained_vs_ct2_int8": (2.5, 5.0, True),
    "trained_unshared_vs_ct2_int8": None, "best_vs_hf": (5.0, 10.0, True),
    "ranks_2_vs_2_processes": (0.97, 0.995, True),
    "peak_share": (0.60, 0.80, True), "peak_share_f32": None, "peak_share_bf16": None, "peak_share_int8": None,
    "row_bytes_n1000_vs_n25": (1.1, 1.0, False), "chrf_f32": None, "chrf_bf16": None, "chrf_int8": None,
    "log_prob_difference_bf16": None, "log_prob_difference_int8": None,
}


def arguments():
    parser = argparse.ArgumentParser(prog="grow_peers.sh", description=__doc__)
    figures.add_options(parser, PARTS, rounds=5)
    parser.add_argument("--trained", type=pathlib.Path, help="run directory of a policy trained on Multi30k")
    return parser.parse_args()


def measurable(bench, names):
    for name in names:
        if name in NEED_POLICY and not bench.trained:
            bench.say(f"{name}: skipped, no --trained RUN")
        else:
            yield name


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    names = figures.chosen(PARTS, options.parts)
    policy = options.trained and options.trained / "policy" / "g0-i0" / "model.safetensors.commit.json"
    if policy and not policy.exists():
        raise SystemExit(f"error: {options.trained} has no complete policy g0-i0")
    bench = GrowBench(options.work.resolve(), Programs(options.bin, options.work), options.rounds, options.quick,
                      options.trained)
    facts = {**figures.circumstances(bench, ("ctranslate2", "transformers", "torch")), "samples": bench.samples,
             "temperature": TEMPERATURE}
    bench.say(f"N = {bench.samples}, T = {TEMPERATURE}, {bench.rounds} rounds in turns. Rates are candidate tokens "
              "a second, program start and loading excluded: ours as rest_grow states them, for a first Grow step in a "
              "new process; the peers' around the call, after a small one to warm up. Ours decodes one row more than a "
              "sample of the largest length has pieces, to see whether it ends there, and writes its shards while it "
              "is timed.")
    values = figures.run_parts(bench, PARTS, measurable(bench, names), facts, options.json)
    figures.print_figures(bench, TARGETS, values)


if __name__ == "__main__":
    try:
        main()
    except ProgramFailed as failure:
        raise SystemExit(f"error: a program failed: {failure}")
