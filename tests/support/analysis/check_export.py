#!/usr/bin/env python3
"""Exports read back as what the HDF5 files hold: check_export.py RUN FOLDER"""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from checks import ANALYSIS, Checks

checks = Checks()
NASTY = "tab\there, back\\slash \\n, line\nfeed, return\r end"


def export(run, *arguments):
    command = [sys.executable, ANALYSIS / "export.py", run, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    checks.that("Traceback" not in done.stderr, done.stderr)
    return done


def make_nasty(run):
    """The first source text long enough gets what a table does not bear, at the same length."""
    with h5py.File(run / "corpus" / "train.h5", "r+") as file:
        lengths = file["source/text_length"][()].astype(int)
        row = int(np.flatnonzero(lengths >= len(NASTY))[0])
        begin = int(lengths[:row].sum())
        text = NASTY.ljust(lengths[row], ".").encode()
        file["source/text"][begin:begin + len(text)] = np.frombuffer(text, np.uint8)


def read_expected(run):
    """Rows as dictionaries, straight from the index and the corpus."""
    import sentencepiece
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(run / "tokenizer" / "tokenizer.model"))
    texts = {}
    with h5py.File(run / "corpus" / "train.h5") as file:
        for side in ("source", "target"):
            ends = np.cumsum(file[side]["text_length"][()].astype(int))
            whole = file[side]["text"][()].tobytes()
            texts[side] = [whole[a:b].decode() for a, b in zip(np.r_[0, ends[:-1]], ends)]
    with h5py.File(run / "grow" / "g1" / "index.h5") as step:
        columns = {name: step[name][()] for name in ("length", "tokens", "count", "origin", "finished", "log_prob",
                                                     "sampling_log_prob", "candidates_per_source", "rewards/chrf")}
    source = np.repeat(np.arange(len(columns["candidates_per_source"])), columns["candidates_per_source"])
    end = np.cumsum(columns["length"].astype(int))
    rows = []
    for i, place in enumerate(source.tolist()):
        tokens = columns["tokens"][end[i] - columns["length"][i]:end[i]].tolist()
        rows.append({
            "source_row": place, "candidate": i, "original": bool(columns["origin"][i] == 1),
            "finished": bool(columns["finished"][i]), "count": int(columns["count"][i]), "length": len(tokens),
            "log_prob": columns["log_prob"][i], "sampling_log_prob": columns["sampling_log_prob"][i],
            "reward_chrf": columns["rewards/chrf"][i], "source": texts["source"][place],
            "reference": texts["target"][place], "text": pieces.decode(tokens), "tokens": tokens})
    return rows


def unescape(cell):
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[found.group(1)], cell)


def read_tsv(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        heading, *lines = file.read().split("\n")[:-1]
    names, rows = heading.split("\t"), []
    for line in lines:
        row = dict(zip(names, line.split("\t"), strict=True))
        for name in ("source_row", "candidate", "count", "length"):
            row[name] = int(row[name])
        for name in ("original", "finished"):
            row[name] = row[name] == "1"
        for name in ("log_prob", "sampling_log_prob", "reward_chrf"):
            row[name] = float(row[name])
        for name in ("source", "reference", "text"):
            row[name] = unescape(row[name])
        row["tokens"] = [int(piece) for piece in row["tokens"].split()]
        rows.append(row)
    return rows


def read_jsonl(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def same(got, wanted, what):
    """All values, floats to the last bit of their float32."""
    checks.that(len(got) == len(wanted), f"{what}: {len(got)} rows, not {len(wanted)}")
    for a, b in zip(got, wanted):
        different = [name for name in b if (np.float32(a[name]) != b[name] if isinstance(b[name], np.float32)
                                            else a[name] != b[name])]
        checks.that(not different and set(a) == set(b), f"{what}, candidate {b['candidate']}: {different} differ")


def check_formats(run, folder, expected):
    for name in ("all.tsv", "all.tsv.gz", "all.jsonl", "all.jsonl.gz"):
        read = read_tsv if ".tsv" in name else read_jsonl
        done = export(run, "--to", folder / name, "--tokens")
        checks.that(done.returncode == 0, done.stderr)
        same(read(folder / name), expected, name)
    done = export(run, "--format", "tsv", "--tokens")
    checks.that(done.stdout.encode() == (folder / "all.tsv").read_bytes(), "standard output is not the file")
    checks.that(not list(folder.glob("*.part")), "a part file is left")
    try:
        import pyarrow.parquet
    except ImportError:
        done = export(run, "--to", folder / "all.parquet")
        checks.that(done.returncode == 1 and "pip install pyarrow" in done.stderr, f"no word of pyarrow: {done.stderr}")
        print("skipped: Parquet round trip (no pyarrow)")
        return
    done = export(run, "--to", folder / "all.parquet", "--tokens")
    table = pyarrow.parquet.ParquetFile(folder / "all.parquet")
    checks.that(table.num_row_groups == len(list((run / "grow" / "g1").glob("shard-*.h5"))), "a row group is no shard")
    same(table.read().to_pylist(), expected, "all.parquet")


def check_filters(run, folder, expected):
    rewards = sorted({float(row["reward_chrf"]) for row in expected})
    middle = rewards[len(rewards) // 2]
    limit = f"{np.float32(middle)}"  # a reward that occurs, in its shortest decimals

    def best(rows, k):
        chosen = []
        for source in sorted({row["source_row"] for row in rows}):
            own = [row for row in rows if row["source_row"] == source]
            chosen += sorted(own, key=lambda row: (-row["reward_chrf"], row["candidate"]))[:k]
        return chosen
    samples = [row for row in expected if not row["original"]]
    for name, options, wanted in (
            ("samples", ["--samples-only"], samples),
            ("at least", ["--min-reward", limit], [r for r in expected if r["reward_chrf"] >= np.float32(middle)]),
            ("above", ["--above", limit], [r for r in expected if r["reward_chrf"] > np.float32(middle)]),
            ("finished", ["--finished-only"], [r for r in expected if r["finished"] or r["original"]]),
            ("best", ["--top", "2"], best(expected, 2)),
            ("best samples", ["--samples-only", "--top", "1", "--min-reward", limit],
             best([r for r in samples if r["reward_chrf"] >= np.float32(middle)], 1))):
        done = export(run, "--to", folder / "some.jsonl", "--tokens", *options)
        checks.that(done.returncode == 0 and 0 < len(wanted) < len(expected), f"{name}: {done.stderr}")
        same(read_jsonl(folder / "some.jsonl"), wanted, name)


def check_incomplete(run, folder, expected):
    """With a shard in the middle not committed, the others keep their sources."""
    grow = run / "grow" / "g1"
    (grow / "index.h5.commit.json").unlink()
    (grow / "shard-00001.h5.commit.json").unlink()
    done = export(run, "--to", folder / "part.jsonl", "--tokens")
    with h5py.File(grow / "shard-00001.h5") as shard:
        first = int(shard.attrs["first_source"])
        missing = range(first, first + len(shard["candidates_per_source"]))
    checks.that("no index yet" in done.stderr, f"nothing says that the step is incomplete: {done.stderr}")
    wanted = [{**row, "candidate": i} for i, row in enumerate(r for r in expected if r["source_row"] not in missing)]
    same(read_jsonl(folder / "part.jsonl"), wanted, "incomplete step")


def check_faults(run, folder):
    for words, arguments in (("says no format", ["--to", folder / "x.csv"]), ("is needed", []),
                             ("run rest_score", ["--reward", "nosuch", "--format", "tsv"]),
                             ("no complete shard", ["--grow-step", "7", "--format", "tsv"])):
        done = export(run, *arguments)
        checks.that(done.returncode == 1 and words in done.stderr, f"'{words}' is not in: {done.stderr}")
    shard = run / "grow" / "g1" / "shard-00000.h5"
    shard.write_bytes(shard.read_bytes()[:200])
    done = export(run, "--to", folder / "damaged.jsonl")
    checks.that(done.returncode == 1 and f"{shard} cannot be read" in done.stderr, f"damaged shard: {done.stderr}")
    checks.that(not list(folder.glob("damaged*")), "a failed export leaves a file")


def main(run, folder):
    run, folder = Path(run), Path(folder)
    folder.mkdir()
    make_nasty(run)
    expected = read_expected(run)
    checks.that(any("\t" in row["source"] and "\n" in row["source"] for row in expected), "no nasty text to export")
    check_formats(run, folder, expected)
    check_filters(run, folder, expected)
    check_incomplete(run, folder, expected)
    check_faults(run, folder)
    checks.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
