"""The same work with h5py and with Parquet: prints one line of JSON with candidates a second. Started by bench.py.

write h5py|parquet STEP FILE, convert-columns STEP FILE, convert-tokens STEP FILE, read h5py STEP, read parquet FILE,
filter h5py STEP SHARE, filter parquet FILE SHARE
"""

import json
import pathlib
import resource
import sys
import time

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("reward", "count", "finished", "origin")
CANDIDATE = ("length", "log_prob", "sampling_log_prob", "count", "finished", "origin")
SHARDS_READ = 16  # enough for a rate


def shards(step):
    return sorted((pathlib.Path(step) / "g1").glob("shard-*.h5"))


def reward_files(step):
    return sorted((pathlib.Path(step) / "g1" / "rewards" / "synthetic").glob("shard-*.h5"))


def read_columns(path, names):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in names}


def timed(work):
    start = time.monotonic()
    result = work()
    return result, time.monotonic() - start


def lists(columns):
    offsets = np.zeros(len(columns["length"]) + 1, np.int32)
    np.cumsum(columns["length"], out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(columns["tokens"]))


def write_h5py(path, columns):
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, chunks=(65536,), compression="gzip", compression_opts=4,
                                shuffle=True, fletcher32=True)


def write_parquet(path, columns):
    table = {name: pa.array(columns[name]) for name in CANDIDATE[1:]}
    pq.write_table(pa.table({**table, "tokens": lists(columns)}), path)


def write(name, step, path):
    columns = read_columns(shards(step)[0], (*CANDIDATE, "tokens"))
    writer = {"h5py": write_h5py, "parquet": write_parquet}[name]
    _, seconds = timed(lambda: writer(path, columns))
    return {"rate": len(columns["count"]) / seconds}


def convert(paths, path, batch_of):
    writer = None
    for source in paths:
        table = batch_of(source)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    return {}


def convert_columns(step, path):
    return convert(reward_files(step), path, lambda source: pa.table(read_columns(source, COLUMNS)))


def convert_tokens(step, path):
    return convert(shards(step)[:SHARDS_READ], path,
                   lambda source: pa.table({"tokens": lists(read_columns(source, ("length", "tokens")))}))


def read(name, source):
    if name == "h5py":
        rows, seconds = timed(lambda: sum(len(read_columns(path, ("length", "tokens"))["length"])
                                          for path in shards(source)[:SHARDS_READ]))
    else:
        rows, seconds = timed(lambda: pq.read_table(source).num_rows)
    return {"rate": rows / seconds}


def all_columns(name, source):
    if name == "h5py":
        parts = [read_columns(path, COLUMNS) for path in reward_files(source)]
        return {column: np.concatenate([part[column] for part in parts]) for column in COLUMNS}
    table = pq.read_table(source, columns=list(COLUMNS))
    return {column: table[column].to_numpy() for column in COLUMNS}


def chosen(columns, share):
    """Cut and number of the candidates above the quantile of all that take part, by count."""
    takes_part = (columns["finished"] | columns["origin"]) != 0
    reward, count = columns["reward"][takes_part], columns["count"][takes_part]
    values = np.repeat(reward, count)
    rank = int(share * len(values))
    while rank / len(values) <= share and rank < len(values):  # the first of more than that share
        rank += 1
    cut = np.partition(values, rank - 1)[rank - 1]
    kept = reward >= cut
    (count[kept] * reward[kept].astype(np.float64)).sum()  # the mean reward that a step's table has
    return float(cut), int(kept.sum())


def filter_(name, source, share):
    def work():
        columns = all_columns(name, source)
        return (len(columns["reward"]), *chosen(columns, float(share)))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (rows, cut, kept), seconds = timed(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"rate": rows / seconds, "cut": cut, "kept": kept, "peak_bytes": 1024 * peak}


TASKS = {"write": write, "convert-columns": convert_columns, "convert-tokens": convert_tokens, "read": read,
         "filter": filter_}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
