#!/usr/bin/env python3
"""A Grow step's candidates with texts, counts, log-probabilities and rewards as TSV, JSON lines or Parquet.

  export.py run/mine --to candidates.tsv.gz
  export.py run/mine --to best.jsonl --top 4 --samples-only --min-reward 0.8
  export.py run/mine --to candidates.parquet          (needs pyarrow: pip install pyarrow)
  export.py run/mine --format tsv | head

TSV: the first line names the columns. In texts a backslash is written \\\\, a tab \\t, a line feed \\n, a carriage return
\\r, so that a line is a candidate and a tab ends a column; true and false are 1 and 0, an unknown value is \\N.
Reads and writes shard by shard: memory does not grow with the step."""

import argparse
import contextlib
import gzip
import json
import os
import sys
from pathlib import Path

import numpy as np

from grow_shards import GrowShards, Sentences
from rest_run import Problem, Run, at_least, start

ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Columns:
    """Names and types of what is exported; a row is a candidate."""

    def __init__(self, rewards, tokens):
        self.types = {"source_row": "int64", "candidate": "int64", "original": "bool", "finished": "bool", "count": "int64",
                      "length": "int64", "log_prob": "float", "sampling_log_prob": "float"}
        self.types.update({f"reward_{name}": "float" for name in rewards})
        self.types.update({"source": "text", "reference": "text", "text": "text"})
        if tokens:
            self.types["tokens"] = "list"


class Selection:
    """Which candidates are exported; the first reward decides."""

    def __init__(self, options):
        self._options = options

    def rows(self, shard):
        o = self._options
        keep = np.ones(len(shard), bool)
        if o.samples_only:
            keep &= ~shard.original
        if o.finished_only:
            keep &= shard.finished | shard.original
        if o.min_reward is not None:
            keep &= shard.reward >= np.float32(o.min_reward)
        if o.above is not None:
            keep &= shard.reward > np.float32(o.above)
        rows = np.flatnonzero(keep)
        return rows if o.top is None else self._best(shard, rows)

    def _best(self, shard, rows):
        """The best K of each source, best first; of equal rewards what was stored first."""
        order = np.lexsort((rows, -shard.reward[rows].astype(np.float64), shard.place[rows]))
        rows = rows[order]
        place = shard.place[rows]
        begins = np.flatnonzero(np.r_[True, place[1:] != place[:-1]]) if len(rows) else np.empty(0, np.int64)
        rank = np.arange(len(rows)) - np.repeat(begins, np.diff(np.r_[begins, len(rows)]))
        return rows[rank < self._options.top]


class TableOf:
    """Turns the chosen rows of a shard into columns."""

    def __init__(self, run, columns):
        self._run, self._columns = run, columns
        self._sources, self._references = (Sentences(run, "train", side) for side in ("source", "target"))
        self._first_candidate = 0
        self.decodes = run.can_decode()

    def __call__(self, shard, rows):
        first, last = shard.first_source, shard.first_source + shard.sources
        place = shard.place[rows]
        tokens = [shard.tokens_of(row).tolist() for row in rows]
        table = {
            "source_row": first + place, "candidate": self._first_candidate + rows, "original": shard.original[rows],
            "finished": shard.finished[rows], "count": shard.count[rows], "length": shard.length[rows],
            "log_prob": shard.column("log_prob")[rows], "sampling_log_prob": shard.column("sampling_log_prob")[rows]}
        table.update({f"reward_{name}": values[rows] for name, values in shard.rewards.items()})
        for name, side in (("source", self._sources), ("reference", self._references)):
            texts = side.rows(first, last) if side else []
            table[name] = [texts[i] for i in place] if texts else [None] * len(rows)
        table["text"] = self._run.decode_all(tokens) if self.decodes else [None] * len(rows)
        table["tokens"] = tokens
        self._first_candidate += len(shard)
        return {name: table[name] for name in self._columns.types}


def plain(kind, values):
    """Values as Python's own; a float32 as the shortest number that reads back as the same float32."""
    if kind == "float":
        return [float(str(value)) for value in values.astype(np.float32)]
    return values if kind in ("text", "list") else values.tolist()


class TsvWriter:
    def __init__(self, file, columns):
        self._file, self._columns = file, columns
        self._file.write("\t".join(columns.types) + "\n")

    def write(self, table):
        cells = [[self._cell(kind, value) for value in plain(kind, table[name])]
                 for name, kind in self._columns.types.items()]
        self._file.writelines("\t".join(row) + "\n" for row in zip(*cells))

    @staticmethod
    def _cell(kind, value):
        if value is None:
            return "\\N"
        if kind == "text":
            return value.translate(ESCAPES)
        return " ".join(map(str, value)) if kind == "list" else str(int(value)) if kind == "bool" else str(value)


class JsonlWriter:
    def __init__(self, file, columns):
        self._file, self._columns = file, columns

    def write(self, table):
        names = list(self._columns.types)
        values = [plain(kind, table[name]) for name, kind in self._columns.types.items()]
        self._file.writelines(json.dumps(dict(zip(names, row)), ensure_ascii=False, allow_nan=False) + "\n"
                              for row in zip(*values))


class ParquetWriter:
    """A row group a shard, zstd."""

    def __init__(self, path, columns):
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise Problem("Parquet needs the Python package pyarrow, which is not installed; pip install pyarrow, or export "
                          "to .jsonl.gz or .tsv.gz") from None
        kinds = {"int64": pyarrow.int64(), "bool": pyarrow.bool_(), "float": pyarrow.float32(), "text": pyarrow.string(),
                 "list": pyarrow.list_(pyarrow.int32())}
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.types.items()])
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, table):
        self._writer.write_table(self._arrow.table(table, schema=self._schema))

    def close(self):
        self._writer.close()


def format_of(path, asked):
    name = path.name[:-3] if path and path.name.endswith(".gz") else path.name if path else ""
    found = asked or {".tsv": "tsv", ".jsonl": "jsonl", ".parquet": "parquet"}.get(Path(name).suffix)
    if found is None:
        raise Problem(f"--to {path} says no format; let it end in .tsv, .jsonl (.gz too) or .parquet, or give --format"
                      if path else "without --to, --format tsv or jsonl is needed")
    if found == "parquet" and (path is None or path.name.endswith(".gz")):
        raise Problem("Parquet is written to a file and compresses itself; give --to FILE.parquet")
    return found


@contextlib.contextmanager
def writer_to(path, kind, columns):
    """Writes beside the file and renames at the end: a stopped export leaves nothing that looks whole."""
    if path is None:
        yield {"tsv": TsvWriter, "jsonl": JsonlWriter}[kind](sys.stdout, columns)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        if kind == "parquet":
            with contextlib.closing(ParquetWriter(part, columns)) as writer:
                yield writer
        else:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(part, "wt", encoding="utf-8", newline="\n") as file:
                yield {"tsv": TsvWriter, "jsonl": JsonlWriter}[kind](file, columns)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run directory")
    parser.add_argument("--to", type=Path, metavar="FILE", help=".tsv, .jsonl (.gz too) or .parquet [standard output]")
    parser.add_argument("--format", choices=["tsv", "jsonl", "parquet"], help="[by the name of the file]")
    parser.add_argument("--grow-step", type=at_least(1), default=1, metavar="G", help="number of the Grow step [1]")
    parser.add_argument("--reward", nargs="+", metavar="NAME", help="reward columns; filters look at the first "
                        "[the experiment's, then all others that are complete]")
    parser.add_argument("--min-reward", type=float, metavar="R", help="candidates of at least this reward")
    parser.add_argument("--above", type=float, metavar="TAU", help="candidates above this reward, as a threshold keeps them")
    parser.add_argument("--top", type=at_least(1), metavar="K",
                        help="the K best distinct candidates of each source, best first")
    parser.add_argument("--samples-only", action="store_true", help="leave out original pairs")
    parser.add_argument("--finished-only", action="store_true", help="leave out samples cut at the maximum length")
    parser.add_argument("--tokens", action="store_true", help="pieces too")
    return parser.parse_args()


def open_grow(run, options):
    grow = GrowShards(run, options.grow_step, options.reward or [run.reward_name()])
    if not options.reward:
        grow.rewards += [name for name in grow.all_rewards() if name not in grow.rewards]
    return grow


def main():
    options = parse_arguments()
    run = Run(options.run)
    kind = format_of(options.to, options.format)
    grow = open_grow(run, options)
    columns = Columns(grow.rewards, options.tokens)
    table_of, selection = TableOf(run, columns), Selection(options)
    if not table_of.decodes and not options.tokens:
        raise Problem(f"texts need the Python package sentencepiece and {run.tokenizer_path}; pip install sentencepiece, or "
                      "export pieces with --tokens")
    written = 0
    with writer_to(options.to, kind, columns) as writer:
        for shard in grow:
            rows = selection.rows(shard)
            writer.write(table_of(shard, rows))
            written += len(rows)
    if options.to:
        print(f"{options.to}: {written:,} candidates")


if __name__ == "__main__":
    start(main)
