"""What is trained on, from which weights, how: the same for all engines."""

import dataclasses
import json
import pathlib

import programs
import run_files
from setting import Bench

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
VOCABULARY = 8000  # Multi30k gives no more than about 21,000
DROPOUT = {"tiny": 0.1, "mini": 0.3, "base": 0.1, "big": 0.1}
# How training is done, in our words; what is not here is as the programs have it by default.
TRAIN = {"seed": 1, "tokens_per_update": 4096, "learning_rate": 5e-4, "warmup_updates": 40, "adam_beta1": 0.9,
         "adam_beta2": 0.98, "adam_epsilon": 1e-9, "clip_norm": 1.0, "label_smoothing": 0.1}


@dataclasses.dataclass
class Workload:
    """`warm` updates before `updates` that are timed."""
    name: str
    model: pathlib.Path
    corpus: pathlib.Path
    folder: pathlib.Path
    tools: programs.Programs
    dropout: float
    warm: int
    updates: int
    tokens_per_update: int = TRAIN["tokens_per_update"]
    learning_rate: float = TRAIN["learning_rate"]

    @property
    def train(self):
        return {**TRAIN, "tokens_per_update": self.tokens_per_update, "learning_rate": self.learning_rate}

    def config(self):
        return json.loads((self.model / "policy" / "config.json").read_text())

    def command(self, options, *arguments):
        """train_speed with options of [train]."""
        sets = {"model.dropout": self.dropout,
                **{f"train.{key}": value for key, value in {**self.train, **options}.items()}}
        return [self.tools.bench_program("train_speed"), str(self.tools.experiment), "--policy",
                str(self.model / "policy"), "--corpus", str(self.corpus), *arguments,
                *(word for key, value in sets.items() for word in ("--set", f"{key}={value}"))]

    def batches(self):
        """A file with the examples of each update, for the peers: as our program cuts them."""
        total = self.warm + self.updates
        file = self.folder / f"batches-{self.tokens_per_update}-{total}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        listed = programs.finish_json(programs.start(self.command({}, "--list", "--updates", str(total))))
        file.write_text(json.dumps(listed))
        return str(file)


@dataclasses.dataclass
class TrainBench(Bench):
    data: pathlib.Path

    def _experiment(self):
        """Multi30k, or the synthetic corpus where --quick has none."""
        if self.data:
            names = {f"{split}_{side}": self.data / f"{file}.{end}.gz" for split, file in
                     (("train", "train"), ("valid", "val")) for side, end in (("source", "en"), ("target", "de"))}
            vocabulary = VOCABULARY
        else:
            synthetic = REPOSITORY / "data" / "synthetic"
            names = {f"{split}_{side}": synthetic / f"{split}.{end}" for split in ("train", "valid")
                     for side, end in (("source", "src"), ("target", "tgt"))}
            vocabulary = 640
        lines = [f'{key} = "{path.resolve()}"' for key, path in names.items()]
        return "\n".join(["[data]", *lines, f"vocabulary_size = {vocabulary}", ""])

    def corpus(self):
        folder = self.work / "runs" / ("corpus" if self.data else "corpus-synthetic")
        folder.mkdir(parents=True, exist_ok=True)
        experiment = folder / "experiment-of-corpus.toml"
        experiment.write_text(self._experiment())
        self.tools.call("rest_prepare", "--run", str(folder / "run"), experiment=experiment)
        return folder / "run" / "corpus" / "train.h5"

    def workload(self, name):
        shape = "quick" if self.quick and name != "mini" else name
        warm, updates = (1, 1) if self.quick else (3, 8) if name == "mini" else (1, 2)
        return Workload(name, self.model(self.work / "models" / shape, "random", shape), self.corpus(),
                        self.work / "runs" / f"train-{shape}", self.tools, DROPOUT[name], warm, updates,
                        512 if self.quick else TRAIN["tokens_per_update"])


def read_pairs(corpus, examples):
    """(sources, targets) of some examples, as rows of pieces."""
    everything = run_files.read_corpus(corpus)
    return {i: (everything["source"][i], everything["target"][i]) for i in examples}
