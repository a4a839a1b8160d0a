"""This project's programs, started as users start them."""

import json
import os
import pathlib
import re
import subprocess

SUMMARY = re.compile(r"(\d+) candidate tokens in ([\d.]+) s, (\d+) tokens/s on (\d+) ranks?, ([\d.]+) candidate tokens")
JSON = re.compile(r"^[\[{].*$", re.MULTILINE)
PROFILE = re.compile(r"profile: (.+?) ([\d.]+) s\b")


class ProgramFailed(Exception):
    pass


def cores():
    return sorted(os.sched_getaffinity(0))


class Programs:
    def __init__(self, folder, work):
        self.folder = pathlib.Path(folder).resolve()
        self.experiment = work / "experiment.toml"
        self.experiment.write_text('[model]\npreset = "base"\n')
        self.words = self.call("rest_grow", "--print-experiment")[0]

    def call(self, program, *arguments, text=None, experiment=None):
        command = [self.folder / program, experiment or self.experiment, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment())
        if done.returncode != 0:
            raise ProgramFailed(f"{program} {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def version(self):
        return self.call("rest_grow", "--version")[0].strip()

    def precisions(self, section="grow"):
        options = self.words.split(f"\n[{section}]")[1].split("\n[")[0]
        line = next(line for line in options.splitlines() if line.startswith("precision"))
        return [name for name in ("float32", "bfloat16", "int8") if name in line]

    def bench_program(self, name):
        return str(self.folder.parent / "tests" / name)

    def gemm_rates(self, rows, shapes):
        """[precision, width, out, GFLOP/s] of one process of one thread on each of two cores, at the same time."""
        command = [self.bench_program("gemm_peak"), str(rows), *(f"{width}x{out}" for width, out in shapes)]
        started = [subprocess.Popen(on_core(core, command), stdout=subprocess.PIPE, text=True, env=environment())
                   for core in cores()[:2]]
        outputs = [process.communicate()[0] for process in started]
        if any(process.returncode != 0 for process in started):
            raise ProgramFailed(" ".join(command))
        return [[(precision, int(width), int(out), float(rate)) for precision, width, out, rate
                 in (line.split() for line in output.splitlines())] for output in outputs]

    def grow_command(self, run, options):
        sets = [part for key, value in options.items() for part in ("--set", f"grow.{key}={value}")]
        return [str(self.folder / "rest_grow"), str(self.experiment), "--run", str(run), *sets]


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def on_ranks(ranks, command):
    return ["mpirun", "-n", str(ranks), "--bind-to", "core", *command]


def on_core(core, command):
    return ["taskset", "-c", str(core), *command]


def start(command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())


def _output(process, pattern):
    """What it says until it ends, what of that fits the pattern, and what it used."""
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    match = pattern.search(output)
    if process.returncode != 0 or not match:
        raise ProgramFailed(f"{' '.join(process.args)}\n{output}")
    return output, match, usage


def finish_json(process):
    """The JSON that a program of tests/bench prints."""
    return json.loads(_output(process, JSON)[1][0])


def finish(process):
    """What a Grow step says of itself; `peak` is the largest resident size of the process in bytes."""
    output, summary, usage = _output(process, SUMMARY)
    profile = {name.strip().replace("-", "_").replace(" ", "_"): float(s) for name, s in PROFILE.findall(output)}
    return {"tokens": int(summary[1]), "seconds": float(summary[2]), "rate": float(summary[3]),
            "tokens_a_row": float(summary[5]), "profile": profile, "peak": usage.ru_maxrss * 1024}
