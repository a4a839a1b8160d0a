"""Reading a run directory: what the scripts of this folder share. The formats are described in data/README.md."""

import argparse
import json
import math
import os
import re
import sys
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

SAMPLED, GREEDY, ORIGINAL, CONTROL = "#0072B2", "#D55E00", "#8A8A8A", "#009E73"


class Problem(SystemExit):
    """Ends a script with words for its user and exit code 1."""

    def __init__(self, words):
        super().__init__(f"error: {words}")


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        raise Problem(f"{path} is no JSON ({problem})") from None


def arguments(doc):
    """A parser with what all scripts take; `doc` is the script's own description."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run directory")
    parser.add_argument("--out", metavar="FOLDER", help="folder to write to [report/ of the run]")
    return parser


def at_least(low):
    """Type of an argument that is a whole number, not below `low`."""
    def number(word):
        value = int(word)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is below {low}")
        return value
    return number


def grow_arguments(parser):
    """What the scripts on a Grow step take."""
    parser.add_argument("--grow-step", type=at_least(1), default=1, metavar="G", help="number of the Grow step [1]")
    parser.add_argument("--reward", metavar="NAME", help="reward column [the experiment's]")


def start(main):
    """Runs a script's main; what went wrong with a file is said in one line, and `| head` is no error."""
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as problem:
        name = f"{problem.filename}: " if problem.filename else ""
        raise Problem(f"{name}{problem.strerror or problem}") from None


def open_hdf5(path):
    try:
        return h5py.File(path)
    except FileNotFoundError:
        raise Problem(f"{path} is missing") from None
    except OSError as problem:
        raise Problem(f"{path} cannot be read ({problem}); it is damaged or no HDF5 file") from None


def figure_of(record, *keys):
    """A number deep in a JSON record; NaN where it is missing."""
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return float(record) if isinstance(record, (int, float)) else math.nan


def trained_on(step):
    """What a policy was trained on, in words, from its step.json (empty for g0-i0; older ones know thresholds only)."""
    if not step:
        return "bitext"
    threshold = figure_of(step, "threshold")
    return "all" if threshold < 0 else step.get("keeps", f"R > {threshold:g}")


def weighted_percentiles(values, weights, levels):
    """Values below or at which the given percents of the weight lie."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return [float(values[order][min(np.searchsorted(reached, level / 100), len(order) - 1)]) for level in levels]


def is_committed(path):
    """Files without a commit record are unfinished: they do not exist."""
    return path.exists() and path.with_name(path.name + ".commit.json").exists()


def ragged(file, group=""):
    """Rows of a `length` and `tokens` pair as a list of arrays."""
    prefix = group + "/" if group else ""
    ends = np.cumsum(file[prefix + "length"][()].astype(np.int64))
    return np.split(file[prefix + "tokens"][()], ends[:-1])


class Run:
    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_dir():
            raise Problem(f"there is no run directory {path}")

    def policies(self, variant):
        """g0-i0 and the variant's Improve steps in order, moot ones too."""
        steps = [p.parent for p in (self.path / "improve" / variant).glob("g*-i*/step.json")]
        steps.sort(key=lambda p: [int(part[1:]) for part in p.name.split("-")])
        return ["g0-i0"] + [f"{variant}/{p.name}" for p in steps]

    @cached_property
    def name(self):
        return self.path.resolve().name

    @cached_property
    def experiment(self):
        """experiment.toml as a dictionary; empty where it is missing."""
        path = self.path / "experiment.toml"
        if not path.exists():
            return {}
        try:
            import tomllib
        except ImportError:
            warn(f"{path} was not read, for Python older than 3.11 has no tomllib: built-in defaults are used")
            return {}
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as problem:
            raise Problem(f"{path} is no TOML ({problem})") from None

    def option(self, section, key, default=None):
        return self.experiment.get(section, {}).get(key, default)

    def reward_name(self, asked=None):
        return asked or self.option("reward", "name", "chrf")

    def step(self, policy):
        """step.json of an Improve step; empty for g0-i0."""
        path = self.path / "improve" / policy / "step.json"
        return read_json(path) if path.exists() else {}

    def metrics_path(self, policy, corpus):
        return self.path / "metrics" / f"{policy.replace('/', '_')}.{corpus}.json"

    def metrics(self, policy, corpus):
        """What rest_evaluate wrote; None where it has not been run."""
        path = self.metrics_path(policy, corpus)
        return read_json(path) if path.exists() else None

    def evaluated(self, corpus):
        """Names of the policies evaluated on a corpus at the experiment's temperature, in order."""
        found = [read_json(path).get("policy", "") for path in sorted((self.path / "metrics").glob(f"*.{corpus}.json"))]
        return sorted(found, key=lambda name: (name != "g0-i0", [int(word) if word.isdigit() else word
                                                                 for word in re.split(r"(\d+)", name)]))

    def controls(self, policy, corpus):
        """Evaluations of a policy at other temperatures than the experiment's."""
        paths = sorted((self.path / "metrics").glob(f"{policy.replace('/', '_')}.{corpus}.t*.json"))
        return [read_json(path) for path in paths if not path.name.endswith(".commit.json")]

    def corpus_text(self, name, side):
        """Sentences of one side of a corpus; empty if there is none."""
        path = self.path / "corpus" / f"{name}.h5"
        if not path.exists():
            return []
        with open_hdf5(path) as file:
            if side not in file:
                return []
            text = file[side]["text"][()].tobytes()
            ends = np.cumsum(file[side]["text_length"][()].astype(np.int64))
        starts = np.concatenate([[0], ends[:-1]])
        return [text[a:b].decode("utf-8", "replace") for a, b in zip(starts, ends)]

    @property
    def tokenizer_path(self):
        return self.path / "tokenizer" / "tokenizer.model"

    @cached_property
    def _pieces(self):
        try:
            import sentencepiece
        except ImportError:
            return None
        model = self.tokenizer_path
        return sentencepiece.SentencePieceProcessor(model_file=str(model)) if model.exists() else None

    def can_decode(self):
        return self._pieces is not None

    def decode(self, tokens):
        """Text of pieces; their ids where the sentencepiece package or the model is missing."""
        tokens = [int(token) for token in tokens]
        return self._pieces.decode(tokens) if self._pieces else " ".join(map(str, tokens))

    def decode_all(self, rows):
        """Texts of many lists of pieces."""
        return self._pieces.decode(rows) if rows else []

    def write_report(self, name, text, folder=None):
        """Writes to report/ or another folder and returns the path."""
        path = self.report(name, folder)
        path.write_text(text, encoding="utf-8")
        return path

    def report(self, name, folder=None):
        folder = Path(folder) if folder else self.path / "report"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


class GrowStep:
    """The candidates of a Grow step as whole columns: by the virtual datasets of index.h5, else shard by shard."""

    def __init__(self, run, number, reward):
        self.path = run.path / "grow" / f"g{number}"
        index = self.path / "index.h5"
        self._index = open_hdf5(index) if is_committed(index) else None
        self._shards = [p for p in sorted(self.path.glob("shard-*.h5")) if is_committed(p)]
        if not self._shards:
            raise Problem(f"{self.path} has no complete shard; run rest_grow")
        self.complete = self._index is not None
        self.reward = self._rewards(reward)  # float32, as stored
        self.length = self.column("length")
        self.count = self.column("count").astype(np.int64)
        self.original = self.column("origin") == 1
        self.finished = self.column("finished") == 1
        self.log_prob = self.column("log_prob")
        per_source = self.column("candidates_per_source")
        self.source = np.repeat(np.arange(len(per_source)), per_source)
        self.sources = len(per_source)
        self.corpus_row = self._corpus_rows()  # of each source: shards may be missing between others
        self._token_ends = np.cumsum(self.length, dtype=np.int64)

    def above(self, threshold):
        """Rows whose reward is above; compared in float32, as the programs do."""
        return self.reward > np.float32(threshold)

    def options(self):
        with open_hdf5(self._shards[0]) as file:
            return json.loads(file.attrs.get("options", "{}"))

    def column(self, name):
        if self._index is not None:
            return self._index[name][()]
        return np.concatenate([self._read(path, name) for path in self._shards])

    def _corpus_rows(self):
        if self._index is not None:
            return np.arange(self.sources)
        rows = []
        for path in self._shards:
            with open_hdf5(path) as file:
                rows.append(int(file.attrs["first_source"]) + np.arange(len(file["candidates_per_source"])))
        return np.concatenate(rows)

    def tokens(self, row):
        end = self._token_ends[row]
        return self._all_tokens[end - self.length[row]:end]

    @cached_property
    def _all_tokens(self):
        # A dataset reads the slices asked for; without an index the columns have to be joined.
        return self._index["tokens"] if self._index is not None else self.column("tokens")

    def _rewards(self, name):
        if self._index is not None and name in self._index.get("rewards", {}):
            return self._index["rewards"][name][()]
        paths = [self.path / "rewards" / name / shard.name for shard in self._shards]
        missing = [path for path in paths if not is_committed(path)]
        if missing:
            there = sorted(p.name for p in (self.path / "rewards").glob("*") if p.is_dir())
            raise Problem(f"{missing[0]} is missing (rewards there: {', '.join(there) or 'none'}); run rest_score")
        return np.concatenate([self._read(path, "reward") for path in paths])

    @staticmethod
    def _read(path, name):
        with open_hdf5(path) as file:
            return file[name][()]


def new_figure(*args, **kwargs):
    """matplotlib's subplots in the look of this folder, without a display."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({
        "figure.dpi": 110, "savefig.dpi": 150, "font.size": 10, "axes.titlesize": 11, "axes.titlelocation": "left",
        "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
        "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": "#E3E3E3", "legend.frameon": False})
    return plt.subplots(*args, layout="constrained", **kwargs)


def warn(words):
    print(f"warning: {words}", file=sys.stderr)
