"""The engines behind one interface: settings to search over, and a rate at a setting.

A setting is a dict; `unit` is the number of sources that keeps all cores equally busy at it.
"""

import dataclasses
import json
import pathlib

import programs
import run_files
import workers
from timing import Row, climb

BATCHES = (1, 2, 4, 8)


@dataclasses.dataclass
class Workload:
    """What is sampled: from which model, for which sources, how."""
    name: str
    model: pathlib.Path
    corpus: dict
    folder: pathlib.Path
    samples: int
    temperature: float
    length: int
    fixed_length: bool

    def config(self):
        return json.loads((self.model / "policy" / "config.json").read_text())

    def inputs(self):
        """Sources and targets for the peers; repeated, for an engine may want more than there are."""
        file = self.folder / "inputs.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({side: self.corpus[side] * 8 for side in ("source", "target")}))
        return str(file)

    def corpus_of(self, sources):
        return self._written(f"corpus-{sources}", range(sources))

    def dealt_corpus_of(self, sources):
        """The same sources, in two halves of like lengths: a shard for each rank."""
        by_length = sorted(range(sources), key=lambda row: len(self.corpus["source"][row % len(self.corpus["source"])]))
        return self._written(f"dealt-{sources}", by_length[::2] + by_length[1::2])

    def _written(self, name, rows):
        file = self.folder / name / "train.h5"
        if not file.exists():
            run_files.write_corpus(file, run_files.chosen(self.corpus, rows))
        return file


class Rest:
    """Our programs: 2 ranks of one thread, one mpirun, the batch is grow.max_rows."""

    counted = "sources"

    def __init__(self, tools, precision, sharing):
        self.tools, self.precision, self.sharing = tools, precision, sharing
        self.name = f"ReST {precision}" + (", sharing" if sharing else "")

    def ladders(self, workload):
        steps = BATCHES + (16,) if self.sharing else BATCHES
        yield [{"max_rows": workload.samples * step} for step in steps]

    def unit(self, workload, setting):
        return 2 * max(1, setting["max_rows"] // workload.samples)

    def searched_sources(self, workload, setting):
        unit = self.unit(workload, setting)
        return unit if workload.fixed_length else max(2 * unit, 16 if workload.samples < 10 else 64)

    def options(self, workload, setting, shard):
        options = {"samples": workload.samples, "temperature": workload.temperature, "max_length": workload.length,
                   "max_rows": setting["max_rows"], "sources_per_shard": shard,
                   "include_originals": "false", "precision": f'"{self.precision}"',
                   "share_prefixes": "true" if self.sharing else "false"}
        return options

    def command(self, workload, setting, sources, run="run", shard=None):
        """`shard` is the number of sources in one; by default there is a shard for each of two ranks."""
        corpus = workload.dealt_corpus_of(sources)
        run = run_files.make_run(workload.folder / run, workload.model / "policy", corpus)
        return self.tools.grow_command(run, self.options(workload, setting, shard or -(-sources // 2)))

    def measure(self, workload, setting, sources, **how):
        command = self.command(workload, setting, sources, **how)
        return programs.finish(programs.start(programs.on_ranks(2, command)))


class Peer:
    """What the peers have in common: workers started together; the rate is of all tokens by the slowest's time."""

    counted = "sources"

    def job(self, workload, setting, sources, do):
        return {"model": str(workload.model / self.folder), "inputs": workload.inputs(), "sources": sources, "do": do,
                "samples": workload.samples, "temperature": workload.temperature, "length": workload.length,
                "fixed_length": workload.fixed_length, **setting}

    def jobs(self, job):
        return [job]

    def measure(self, workload, setting, sources):
        results = workers.run(self.script, self.jobs(self.job(workload, setting, sources, "sample")))
        tokens, seconds = sum(r["tokens"] for r in results), max(r["seconds"] for r in results)
        return {"tokens": tokens, "seconds": seconds, "rate": tokens / seconds}

    def answers(self, workload, sources):
        """Greedy output and the targets' log-probabilities in float32."""
        setting = next(iter(next(iter(self.ladders(workload)))), None)
        return workers.run(self.script, [self.job(workload, setting, sources, "answer")])[0]


class CTranslate2(Peer):
    script, folder = "ctranslate2_worker.py", "ctranslate2"

    def __init__(self, compute_type):
        self.compute_type = compute_type
        self.name = f"CTranslate2 {compute_type}"

    def ladders(self, workload):
        for replicas, threads in ((2, 1), (1, 2)):
            yield [{"compute_type": self.compute_type, "replicas": replicas, "threads": threads, "batch": batch}
                   for batch in BATCHES]

    def unit(self, workload, setting):
        return setting["replicas"] * setting["batch"]

    def searched_sources(self, workload, setting):
        unit = self.unit(workload, setting)
        return unit if workload.fixed_length else max(2 * unit, 16)


class HuggingFace(Peer):
    script, folder = "hugging_face_worker.py", "hugging_face"

    def __init__(self, precisions=("float32", "bfloat16")):
        self.precisions = precisions
        self.name = "Hugging Face generate"

    def ladders(self, workload):
        for precision in self.precisions:
            for processes, threads in ((2, 1), (1, 2)):
                yield [{"precision": precision, "processes": processes, "threads": threads, "batch": batch}
                       for batch in BATCHES[:3]]

    def unit(self, workload, setting):
        return setting["processes"] * setting["batch"]

    def searched_sources(self, workload, setting):
        return self.unit(workload, setting)

    def jobs(self, job):
        parts = job["processes"] if job["do"] == "sample" else 1
        if parts == 1:
            return [job]
        return [{**job, "part": part, "parts": parts, "core": programs.cores()[part]} for part in range(parts)]


def shortened(workload, engine):
    """Hugging Face is slow: of samples of fixed length, its settings are compared on the first 8 tokens."""
    slow = isinstance(engine, HuggingFace) and workload.fixed_length
    return dataclasses.replace(workload, length=8) if slow else workload


def search(engine, workload, say):
    """The fastest setting, with its rate and tokens a source."""
    searched = shortened(workload, engine)

    def measure(setting):
        sources = engine.searched_sources(workload, setting)
        return {**engine.measure(searched, setting, sources), "sources": sources}

    setting, measured = climb(engine, engine.ladders(workload), measure, say)
    scale = workload.length / searched.length
    return {"setting": setting, "rate": measured["rate"],
            "tokens_a_source": measured["tokens"] / measured["sources"] * scale}


def sources_for(engine, workload, found, seconds):
    """As many as take about `seconds`, in whole units."""
    unit = engine.unit(workload, found["setting"])
    return unit * max(1, round(seconds * found["rate"] / found["tokens_a_source"] / unit))


def searched(bench, workload, engines):
    """A row for each engine at the best of its settings, sized to take about bench.seconds."""
    rows = []
    for engine in engines:
        found = search(engine, workload, bench.say)
        # Where lengths vary, the last samples of a shard run alone: longer, for that to weigh less.
        seconds = bench.seconds if workload.fixed_length else 1.5 * bench.seconds
        rows.append(Row(engine, found, sources_for(engine, workload, found, seconds)))
    return rows
