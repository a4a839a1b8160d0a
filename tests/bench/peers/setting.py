"""What a run of the benchmark works with: folders, sizes, programs, and where words go."""

import dataclasses
import pathlib
import subprocess
import sys

import run_files
from engines import Workload
from models import TOKENIZER
from programs import Programs

FOLDER = pathlib.Path(__file__).resolve().parent
TEMPERATURE = 0.8
PIECES = 24


@dataclasses.dataclass
class Bench:
    work: pathlib.Path
    tools: Programs
    rounds: int
    quick: bool

    def say(self, text=""):
        print(text, flush=True)

    def model(self, folder, kind, what):
        if not folder.exists():
            self.say(f"making model {folder.name}")
            subprocess.run([sys.executable, FOLDER / "models.py", folder, kind, what], check=True)
        return folder


@dataclasses.dataclass
class GrowBench(Bench):
    trained: pathlib.Path

    @property
    def samples(self):
        return 4 if self.quick else 100

    @property
    def seconds(self):
        """How long one timing should take."""
        return 0.5 if self.quick else 6.0

    def random_workload(self, name):
        shape = "quick" if self.quick else name
        model = self.model(self.work / "models" / shape, "random", shape)
        corpus = run_files.random_corpus(32000, 64, PIECES, TOKENIZER)
        folder = self.work / "runs" / (f"{name}-quick" if self.quick else name)
        return Workload(name, model, corpus, folder, self.samples, TEMPERATURE, PIECES, fixed_length=True)

    def trained_workload(self):
        """Its sources are the test set's, in an order that makes any first few of them representative."""
        policy = self.trained / "policy" / "g0-i0"
        digest = run_files.committed_digest(policy / "model.safetensors")[:12]
        model = self.model(self.work / "models" / f"trained-{digest}", "policy", policy)
        corpus = run_files.read_corpus(self.trained / "corpus" / "test.h5")
        order = run_files.np.random.default_rng(5).permutation(len(corpus["source"])).tolist()
        folder = self.work / "runs" / (f"trained-{digest}" + ("-quick" if self.quick else ""))
        return Workload("trained", model, run_files.chosen(corpus, order), folder, self.samples, TEMPERATURE, 128,
                        fixed_length=False)
