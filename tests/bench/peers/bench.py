"""Times this project's sampling against CTranslate2 and Hugging Face, and against the machine. See grow_peers.sh."""

import argparse
import importlib.metadata
import json
import pathlib
import platform
import re

import parts
import roofline
from programs import ProgramFailed, Programs, cores
from setting import TEMPERATURE, Bench

PARTS = {"base": parts.base, "tiny": parts.tiny, "trained": parts.trained, "ranks": parts.ranks,
         "memory": parts.memory, "quality": parts.quality, "roofline": roofline.roofline}
NEED_POLICY = ("trained", "quality")
# key: (reach, go for, whether more is better)
TARGETS = {
    "f32_vs_ct2_f32": (1.05, 1.25, True), "best_vs_ct2_int8": (1.25, 2.0, True),
    "trained_vs_ct2_int8": (2.5, 5.0, True),
    "trained_unshared_vs_ct2_int8": None, "best_vs_hf": (5.0, 10.0, True),
    "ranks_2_vs_2_processes": (0.97, 0.995, True),
    "peak_share": (0.60, 0.80, True), "peak_share_f32": None, "peak_share_bf16": None, "peak_share_int8": None,
    "row_bytes_n1000_vs_n25": (1.1, 1.0, False), "chrf_f32": None, "chrf_bf16": None, "chrf_int8": None,
    "log_prob_difference_bf16": None, "log_prob_difference_int8": None,
}


def arguments():
    parser = argparse.ArgumentParser(prog="grow_peers.sh", description=__doc__)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the peers, their models and runs")
    parser.add_argument("--rounds", type=int, default=5, help="how often the engines take turns [5]")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to test the benchmark: figures mean nothing")
    parser.add_argument("--trained", type=pathlib.Path, help="run directory of a policy trained on Multi30k")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures and rates")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated, of " + ", ".join(PARTS))
    return parser.parse_args()


def processor():
    found = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def circumstances(bench):
    versions = {name: importlib.metadata.version(name) for name in ("ctranslate2", "transformers", "torch")}
    return {"processor": processor(), "cores": len(cores()), "rest": bench.tools.version(), **versions,
            "samples": bench.samples, "temperature": TEMPERATURE, "rounds": bench.rounds, "quick": bench.quick}


def reached(value, target):
    if target is None:
        return ""
    reach, go_for, more = target
    met = [value >= limit if more else value <= limit for limit in (reach, go_for)]
    return "go-for reached" if met[1] else "reached" if met[0] else "missed"


def print_figures(bench, figures):
    bench.say(f"{'figure':<32} {'value':>9} {'reach':>7} {'go for':>7}")
    for key in list(TARGETS) + [key for key in figures if key not in TARGETS]:
        target = TARGETS.get(key)
        digits = 4 if key.startswith("log_prob") else 3
        value = f"{figures[key]:.{digits}f}" if key in figures else "-"
        limits = [f"{limit:g}" for limit in target[:2]] if target else ["", ""]
        verdict = reached(figures[key], target) if key in figures else "not measured"
        bench.say(f"{key:<32} {value:>9} {limits[0]:>7} {limits[1]:>7}  {verdict}")
    if bench.quick:
        bench.say("--quick: sizes are too small for these figures to mean anything")


def print_circumstances(bench, facts):
    bench.say(f"{facts['processor']}, {facts['cores']} cores; {' '.join(facts['rest'].split())}; "
              f"CTranslate2 {facts['ctranslate2']}, transformers {facts['transformers']}, torch {facts['torch']}")
    bench.say(f"N = {facts['samples']}, T = {TEMPERATURE}, {bench.rounds} rounds in turns. Rates are candidate tokens "
              "a second, program start and loading excluded: ours as rest_grow states them, for a first Grow step in a "
              "new process; the peers' around the call, after a small one to warm up. Ours decodes one row more than a "
              "sample of the largest length has pieces, to see whether it ends there, and writes its shards while it "
              "is timed.")


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    wanted = options.parts.split(",")
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SystemExit(f"error: no part {unknown[0]} (there are {', '.join(PARTS)})")
    policy = options.trained and options.trained / "policy" / "g0-i0" / "model.safetensors.commit.json"
    if policy and not policy.exists():
        raise SystemExit(f"error: {options.trained} has no complete policy g0-i0")
    bench = Bench(options.work.resolve(), Programs(options.bin, options.work), options.rounds, options.quick,
                  options.trained)
    facts, figures, details, found = circumstances(bench), {}, {}, {}
    print_circumstances(bench, facts)
    for name in (name for name in PARTS if name in wanted):
        if name in NEED_POLICY and not bench.trained:
            bench.say(f"\n== {name}: skipped, no --trained RUN")
            continue
        bench.say(f"\n== {name}")
        values, details[name] = PARTS[name](bench, found)
        figures.update(values)
        if options.json:
            options.json.write_text(json.dumps({**figures, "circumstances": facts, "details": details}, indent=1))
    print_figures(bench, figures)


if __name__ == "__main__":
    try:
        main()
    except ProgramFailed as failure:
        raise SystemExit(f"error: a program failed: {failure}")
