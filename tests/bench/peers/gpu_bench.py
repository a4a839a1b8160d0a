"""Times sampling and training on one GPU against Hugging Face and CTranslate2, and against the GPU's matrix products.
See tests/bench/gpu.sh.
"""

import argparse
import dataclasses
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
from timing import Row, climb, fastest, print_rows, take_turns
from train_parts import flop_rate
from train_setting import TrainBench

SOURCES = 512  # of 100 samples each
TOKENS_PER_UPDATE = 16384


def peak(bench, found):
    """TFLOP/s of large bfloat16 products."""
    if "peak" not in found:
        found["peak"] = workers.run("gpu_gemm_worker.py", [{"size": 8192, "times": 20}])[0]["tflops"]
        bench.say(f"bfloat16 products of 8,192: {found['peak']:.0f} TFLOP/s")
    return found["peak"]


def searched(bench, engines, ladders, measure, amount):
    """A row for each engine that runs here, at the best of its settings."""
    rows = []
    for engine in engines:
        try:
            setting, measured = climb(engine, ladders(engine), lambda s, e=engine: measure(e, s), bench.say)
            rows.append(Row(engine, {"setting": setting, "rate": measured["rate"]}, amount))
        except (RuntimeError, ProgramFailed) as failure:
            bench.say(f"  {engine.name} does not run here: {failure}")
    return rows


def grow(name):
    def part(bench, found):
        corpus = run_files.random_corpus(32000, SOURCES, PIECES, TOKENIZER)
        model = bench.model(bench.work / "models" / name, "random", name)
        workload = Workload(name, model, corpus, bench.work / "runs" / f"gpu-{name}", 100, TEMPERATURE, PIECES, True)
        engines = [Rest(bench.tools, precision, False) for precision in ("bfloat16", "float32")]
        engines += [HuggingFace("bfloat16"), CTranslate2("float16"), CTranslate2("int8_float16")]
        rows = searched(bench, engines, lambda engine: engine.ladders(workload),
                        lambda engine, setting: engine.measure(workload, setting, SOURCES), SOURCES)
        take_turns(bench, workload, rows)
        print_rows(bench, f"{name}, random weights, {PIECES} tokens, N = 100, no prefix sharing", rows)
        rate = rows[0].median()
        flop = sum(flop_by_component(bench.config(workload), workload).values())
        values = {f"grow_{name}_tokens_per_s": rate, f"grow_{name}_peak_share": rate * flop / 1e12 / peak(bench, found)}
        for kind, key in ((HuggingFace, "hf"), (CTranslate2, "ct2")):
            theirs = [row for row in rows if isinstance(row.engine, kind)]
            if theirs:
                values[f"grow_{name}_vs_{key}"] = rate / fastest(theirs).median()
        return values, {"rows": [row.as_json() for row in rows]}

    return part


def train(name):
    def part(bench, found):
        workload = dataclasses.replace(bench.workload(name), tokens_per_update=TOKENS_PER_UPDATE, warm=6, updates=12)
        engines = [RestTraining("bfloat16"), RestTraining("float32"), TrainingPeer("bfloat16", False),
                   TrainingPeer("bfloat16", True)]
        rows = searched(bench, engines, lambda engine: engine.ladders(),
                        lambda engine, setting: engine.measure(workload, setting, workload.updates), workload.updates)
        for row in rows[:-1]:  # compiling again takes a minute
            row.measured = [row.engine.measure(workload, row.found["setting"], row.amount)
                            for _ in range(bench.rounds)]
        rows[-1].measured = [{"rate": rows[-1].found["rate"], "seconds": 0}]
        print_rows(bench, f"{name}, {TOKENS_PER_UPDATE} target tokens an update", rows)
        ours, peers = rows[0], [row for row in rows if isinstance(row.engine, TrainingPeer)]
        share = flop_rate(workload, ours.measured[-1]) / 1e3 / peak(bench, found)
        return ({f"train_{name}_tokens_per_s": ours.median(), f"train_{name}_peak_share": share,
                 f"train_{name}_vs_hf_bf16": ours.median() / fastest(peers).median()},
                {"rows": [row.as_json() for row in rows]})

    return part


PARTS = {**{f"grow_{name}": grow(name) for name in ("base", "big")},
         **{f"train_{name}": train(name) for name in ("tiny", "base", "big")}}


class GpuBench(TrainBench):
    def config(self, workload):
        import json
        return json.loads((workload.model / "policy" / "config.json").read_text())


def main():
    parser = argparse.ArgumentParser(prog="gpu.sh peers", description=__doc__)
    figures.add_options(parser, PARTS, rounds=3)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of Multi30k: train, val, .en.gz, .de.gz")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    names = figures.chosen(PARTS, options.parts)
    bench = GpuBench(options.work.resolve(), Programs(options.bin, options.work), options.rounds, options.quick,
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
