"""The engines on one GPU, behind the interfaces of engines.py and train_engines.py."""

import engines
import programs
import train_engines

ON_GPU = ("--device", "cuda")
BATCHES = (32, 128)  # sources; with 100 samples each of them 3,200 or 12,800 rows
THREADS = 8  # of the peers' own processor work


class Rest(engines.Rest):
    """One process; the batch is grow.max_rows."""

    def ladders(self, workload):
        yield [{"max_rows": workload.samples * batch} for batch in BATCHES]

    def measure(self, workload, setting, sources):
        command = self.command(workload, setting, sources, shard=sources)
        return programs.finish(programs.start([*command, *ON_GPU]))


class HuggingFace(engines.Peer):
    script, folder = "hugging_face_worker.py", "hugging_face"

    def __init__(self, precision):
        self.precision, self.name = precision, f"Hugging Face generate {precision}"

    def ladders(self, workload):
        yield [{"device": "cuda", "precision": self.precision, "threads": THREADS, "batch": batch}
               for batch in BATCHES]


class CTranslate2(engines.Peer):
    script, folder = "ctranslate2_worker.py", "ctranslate2"

    def __init__(self, compute_type):
        self.compute_type, self.name = compute_type, f"CTranslate2 {compute_type}"

    def ladders(self, workload):
        yield [{"device": "cuda", "compute_type": self.compute_type, "replicas": 1, "threads": THREADS, "batch": batch}
               for batch in BATCHES]


class RestTraining(train_engines.Rest):
    def ladders(self):
        yield [{"leaves": 1}]

    def measure(self, workload, setting, updates):
        command = self.command(workload, setting, updates)
        return self.read(workload, programs.start([*command, *ON_GPU]))


class TrainingPeer(train_engines.Peer):
    """`compiled`: by torch.compile."""

    def __init__(self, precision, compiled):
        super().__init__("hugging_face", precision, malloc=False)
        self.compiled = compiled
        self.name = f"Hugging Face {precision}" + (", torch.compile" if compiled else "")

    def ladders(self):
        yield [{"processes": 1, "threads": THREADS, "micro": 1, "device": "cuda", "compiled": self.compiled}]
