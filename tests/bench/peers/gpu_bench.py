"""Times sampling and training on one GPU against Hugging Face and CTranslate2, and against the GPU's matrix products.
See gpu_peers.sh.
"""

import argparse
import dataclasses
import functools
import pathlib
import subprocess

import figures
import run_files
import workers
from engines import Workload
from gpu_engines import CTranslate2, HuggingFace, Rest, RestTraining, TrainingPeer
from models import TOKENIZER
from programs import ProgramFailed, Programs
from roofline import flop_by_component
from setting import PIECES, TEMPERATURE
from timing import Row, climb, fastest, print_rows
from train_parts import flop_rate
from train_setting import TrainBench

# Of 100 samples each. Ours starts cold, as a Grow step does, and the peers warm: it is timed over more of them.
OUR_SOURCES, THEIR_SOURCES = 4096, 512
TOKENS_PER_UPDATE = 16384
WARM, UPDATES = 6, 16


def peak(bench, found):
    """TFLOP/s of large bfloat16 products."""
    if "peak" not in found:
        found["peak"] = workers.run("gpu_gemm_worker.py", [{"size": 8192, "times": 20}])[0]["tflops"]
        bench.say(f"bfloat16 products of 8,192: {found['peak']:.0f} TFLOP/s")
    return found["peak"]


def compare(bench, engines, ladders, measure, amount):
    """A row for each engine that runs here, at the best of its settings; what the search measured there is round 1."""
    rows = []
    for engine in engines:
        try:
            setting, measured = climb(engine, ladders(engine), functools.partial(measure, engine), bench.say)
        except (RuntimeError, ProgramFailed) as failure:
            bench.say(f"  {engine.name} does not run here: {str(failure).strip().splitlines()[-1]}")
            continue
        rows.append(Row(engine, {"setting": setting, "rate": measured["rate"]}, amount(engine)))
        rows[-1].measured.append(measured)
    for _ in range(bench.rounds - 1):
        for row in rows:
            row.measured.append(measure(row.engine, row.found["setting"]))
    return rows


def against(key, rows, kind):
    """How many times as fast as the fastest of a kind of peer the first row, ours, is: a figure, if one of them ran."""
    theirs = [row for row in rows[1:] if isinstance(row.engine, kind)]
    return {key: rows[0].median() / fastest(theirs).median()} if theirs else {}


def grow(name):
    def part(bench, found):
        corpus = run_files.random_corpus(32000, THEIR_SOURCES, PIECES, TOKENIZER)
        model = bench.model(bench.work / "models" / name, "random", name)
        workload = Workload(name, model, corpus, bench.work / "runs" / f"gpu-{name}", 100, TEMPERATURE, PIECES, True)
        engines = [Rest(bench.tools, "bfloat16", False), HuggingFace("bfloat16"), CTranslate2("float16"),
                   CTranslate2("int8_float16")]

        def amount(engine):
            return OUR_SOURCES if isinstance(engine, Rest) else THEIR_SOURCES

        rows = compare(bench, engines, lambda engine: engine.ladders(workload),
                       lambda engine, setting: engine.measure(workload, setting, amount(engine)), amount)
        print_rows(bench, f"{name}, random weights, {PIECES} tokens, N = 100, no prefix sharing", rows)
        rate = rows[0].median()
        flop = sum(flop_by_component(workload.config(), workload).values())
        return ({f"grow_{name}_tokens_per_s": rate, f"grow_{name}_peak_share": rate * flop / 1e12 / peak(bench, found),
                 **against(f"grow_{name}_vs_hf", rows, HuggingFace),
                 **against(f"grow_{name}_vs_ct2", rows, CTranslate2)},
                {"rows": [row.as_json() for row in rows]})

    return part


def train(name):
    def part(bench, found):
        workload = dataclasses.replace(bench.workload(name), tokens_per_update=TOKENS_PER_UPDATE, warm=WARM,
                                       updates=UPDATES)
        engines = [RestTraining("bfloat16"), TrainingPeer("bfloat16", False), TrainingPeer("bfloat16", True)]
        rows = compare(bench, engines, lambda engine: engine.ladders(),
                       lambda engine, setting: engine.measure(workload, setting, UPDATES), lambda engine: UPDATES)
        print_rows(bench, f"{name}, {TOKENS_PER_UPDATE} target tokens an update", rows)
        share = flop_rate(workload, rows[0].measured[-1]) / 1e3 / peak(bench, found)
        return ({f"train_{name}_tokens_per_s": rows[0].median(), f"train_{name}_peak_share": share,
                 **against(f"train_{name}_vs_hf", rows, TrainingPeer)}, {"rows": [row.as_json() for row in rows]})

    return part


PARTS = {**{f"grow_{name}": grow(name) for name in ("base", "big")},
         **{f"train_{name}": train(name) for name in ("tiny", "base", "big")}}


def main():
    parser = argparse.ArgumentParser(prog="gpu_peers.sh", description=__doc__)
    figures.add_options(parser, PARTS, rounds=3)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of Multi30k: train, val, .en.gz, .de.gz")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    names = figures.chosen(PARTS, options.parts)
    bench = TrainBench(options.work.resolve(), Programs(options.bin, options.work), options.rounds, options.quick,
                     options.data)
    bench.say(subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], check=True,
                             capture_output=True, text=True).stdout.strip())
    facts = figures.circumstances(bench, ("transformers", "torch"))
    figures.print_figures(bench, {}, figures.run_parts(bench, PARTS, names, facts, options.json))


if __name__ == "__main__":
    try:
        main()
    except ProgramFailed as failure:
        raise SystemExit(f"error: a program failed: {failure}")
