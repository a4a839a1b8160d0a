"""Times how candidates are stored and chosen. See store.sh."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "peers"))

from figures import processor, reached  # noqa: E402

D_G = 890_000_000  # candidates of a Grow step of the paper
TAU, SHARE = 0.7, 0.9
WINDOWS = 64  # of 65,536 candidates, read one after another
# key: (reach, go for, whether more is better)
TARGETS = {"filter_per_s": (20e6, 100e6, True), "bytes_per_candidate": (2.0, 0.5, False)}


def arguments():
    parser = argparse.ArgumentParser(prog="store.sh", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the steps; removed afterwards")
    parser.add_argument("--candidates", type=int, default=50_000_000, help="of the synthetic step [50000000]")
    parser.add_argument("--rounds", type=int, default=3, help="how often those that are compared take turns [3]")
    parser.add_argument("--quick", action="store_true", help="a tiny step, to test the benchmark: figures mean nothing")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures")
    return parser.parse_args()


class Bench:
    def __init__(self, options):
        self.program, self.work, self.rounds = options.program, options.work, options.rounds
        self.candidates = 1_000_000 if options.quick else options.candidates
        self.threads = len(os.sched_getaffinity(0))
        self.step, self.small = self.work / "large", self.work / "small"
        self.figures = {}

    def call(self, *command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"error: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def ours(self, *arguments):
        return self.call(self.program, *arguments)

    def peer(self, *arguments):
        return self.call(sys.executable, HERE / "peers.py", *arguments)

    def take_turns(self, measures):
        """Medians of the named measures, which run one after another in every round."""
        rates = {name: [] for name in measures}
        for _ in range(self.rounds):
            for name, measure in measures.items():
                rates[name].append(measure())
        self.figures.update({name: statistics.median(values) for name, values in rates.items()})


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def dd(*arguments, size):
    start = time.monotonic()
    subprocess.run(["dd", "bs=1M", "status=none", *arguments], check=True)
    return size / (time.monotonic() - start)


def measure_writing(bench):
    """Grow and scoring verify, hash and synchronise every file; dd and the peers write alone."""
    written = bench.ours("write", bench.step, bench.candidates)
    bench.ours("write", bench.small, bench.candidates // 10)
    bench.candidates = written["candidates"]
    stored, seconds = size_of(bench.step), written["shard_seconds"] + written["reward_seconds"]
    scratch, count = bench.work / "scratch", max(1, min(stored, 2 << 30) >> 20)
    bench.figures.update({
        "stored_bytes_per_candidate": stored / bench.candidates,
        "reward_bytes_per_candidate": size_of(bench.step / "g1" / "rewards") / bench.candidates,
        "write_per_s": bench.candidates / seconds, "write_bytes_per_s": stored / seconds,
        "write_rewards_per_s": bench.candidates / written["reward_seconds"]})
    bench.take_turns({
        "dd_write_bytes_per_s": lambda: dd("if=/dev/zero", f"of={scratch}", f"count={count}", "conv=fsync",
                                           size=count << 20),
        "h5py_write_per_s": lambda: bench.peer("write", "h5py", bench.step, scratch)["rate"],
        "parquet_write_per_s": lambda: bench.peer("write", "parquet", bench.step, scratch)["rate"]})
    scratch.unlink()


def measure_reading(bench):
    """Tokens of all candidates: ours shuffled, window by window; the peers in the order of the file."""
    parquet, shards = bench.work / "tokens.parquet", sorted((bench.step / "g1").glob("shard-*.h5"))[:16]
    bench.peer("convert-tokens", bench.step, parquet)
    stored = sum(path.stat().st_size for path in shards)
    bench.take_turns({
        "read_per_s": lambda: bench.ours("read", bench.step, WINDOWS)["rate"],
        "h5py_read_per_s": lambda: bench.peer("read", "h5py", bench.step)["rate"],
        "parquet_read_per_s": lambda: bench.peer("read", "parquet", parquet)["rate"],
        "dd_read_bytes_per_s": lambda: stored / sum(path.stat().st_size / dd(f"if={path}", "of=/dev/null",
                                                                             size=path.stat().st_size)
                                                    for path in shards)})
    parquet.unlink()


def measure_filters(bench):
    """The quantile of all rewards, what lies above it and the sums of a step's table, by one process with a thread a
    core, from files in the page cache; "verifying" is the first time, when the files' SHA-256 is checked too."""
    parquet = bench.work / "columns.parquet"
    bench.peer("convert-columns", bench.step, parquet)
    known = {}

    def view(name, tau, threads, pass_name):
        known[name] = bench.ours("view", bench.step, name, tau, threads)
        return known[name]["candidates"] / known[name][pass_name]

    def peer(name, source):
        found = bench.peer("filter", name, source, SHARE)
        if (found["kept"], found["cut"]) != (known["quantile"]["kept"], known["quantile"]["cut"]):
            raise SystemExit(f"error: {name} keeps {found}, this project {known['quantile']}")
        bench.figures[f"{name}_filter_peak_bytes_per_candidate"] = found["peak_bytes"] / bench.candidates
        return found["rate"]

    measures = {"filter_per_s": lambda: view("quantile", SHARE, bench.threads, "again_seconds"),
                "filter_verifying_per_s": lambda: view("quantile", SHARE, bench.threads, "first_seconds"),
                "filter_1_thread_per_s": lambda: view("quantile", SHARE, 1, "again_seconds"),
                "threshold_per_s": lambda: view("threshold", TAU, bench.threads, "again_seconds"),
                "threshold_verifying_per_s": lambda: view("threshold", TAU, bench.threads, "first_seconds"),
                "percentile_a_source_per_s": lambda: view("percentile", SHARE, bench.threads, "again_seconds"),
                "h5py_filter_per_s": lambda: peer("h5py", bench.step),
                "parquet_filter_per_s": lambda: peer("parquet", parquet)}
    bench.take_turns(measures)
    parquet.unlink()


def measure_memory(bench):
    """Growth of the resident peak from opening the step to having read some windows of all of it, two at a time."""
    large, small = (bench.ours("read", folder, WINDOWS)["peak_bytes"] for folder in (bench.step, bench.small))
    slope = max(0.0, (large - small) / (0.9 * bench.candidates))
    bench.figures["bytes_per_candidate"] = large / bench.candidates
    bench.figures["bytes_per_candidate_tenth_of_step"] = small / (0.1 * bench.candidates)
    bench.figures["peak_bytes_at_890m"] = large + slope * (D_G - bench.candidates)


def verdict(key, value):
    reach, go_for, _ = TARGETS[key]
    return f"reach {reach:g}, go for {go_for:g}: {reached(value, TARGETS[key])}"


def print_figures(bench, quick):
    figures = bench.figures
    print(f"{processor()}, {bench.threads} cores; {bench.candidates:,} "
          f"candidates, medians of {bench.rounds} rounds")
    for key, value in figures.items():
        print(f"{key:<38} {value:>18,.3f}  {verdict(key, value) if key in TARGETS else ''}".rstrip())
    seconds = D_G / figures["filter_per_s"]
    print(f"filter: the {SHARE} quantile of all rewards and what lies above it; verifying: with SHA-256 of the files,\n"
          "as the first Improve step of a process does")
    print(f"extrapolated to {D_G:,} candidates, times by their rates, memory by what a tenth of the step takes and\n"
          f"what the rest adds: choosing by a quantile {seconds:,.0f} s, writing by one rank "
          f"{D_G / figures['write_per_s'] / 60:,.0f} min,\n"
          f"{D_G * figures['stored_bytes_per_candidate'] / 1e9:,.0f} GB on disk, "
          f"{figures['peak_bytes_at_890m'] / 1e6:,.0f} MB resident")
    if quick:
        print("--quick: the step is too small for these figures to mean anything")


def main():
    options = arguments()
    bench = Bench(options)
    shutil.rmtree(bench.work, ignore_errors=True)
    bench.work.mkdir(parents=True)
    try:
        for measure in (measure_writing, measure_filters, measure_memory, measure_reading):
            measure(bench)
    finally:
        shutil.rmtree(bench.work, ignore_errors=True)
    print_figures(bench, options.quick)
    if options.json:
        options.json.write_text(json.dumps({"candidates": bench.candidates, "quick": options.quick, **bench.figures},
                                           indent=2) + "\n")


if __name__ == "__main__":
    main()
