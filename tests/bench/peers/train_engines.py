"""The engines that train, behind the interface of engines.py: settings to search over, and a rate at a setting."""

import dataclasses
import tempfile

import programs
import workers

# What our programs tell glibc themselves: large blocks stay in the heap, instead of being mapped anew each time.
KEPT = str(1 << 30)
MALLOC = {"MALLOC_MMAP_THRESHOLD_": KEPT, "MALLOC_TRIM_THRESHOLD_": KEPT, "MALLOC_TOP_PAD_": str(64 << 20)}


def rated(tokens, seconds, **more):
    return {"tokens": tokens, "seconds": seconds, "rate": tokens / seconds, **more}


class Rest:
    """Our trainer, by train_speed: 2 ranks of one thread. `how`: arguments of it beside the workload's, which `name`
    puts in words.
    """

    counted = "updates"

    def __init__(self, precision, how=(), name=""):
        self.precision, self.how = precision, how
        self.name = f"ReST {precision}{name}"

    def ladders(self):
        for sharded in ("false", "true"):
            yield [{"leaves": leaves, "shard_optimizer": sharded} for leaves in (2, 4, 8)]

    def command(self, workload, setting, updates):
        return workload.command({"precision": f'"{self.precision}"', **setting}, "--warm", str(workload.warm),
                                "--updates", str(updates), *self.how)

    def measure(self, workload, setting, updates):
        command = self.command(workload, setting, updates)
        return self.read(workload, programs.start(programs.on_ranks(2, command)))

    @staticmethod
    def read(workload, process):
        said = programs.finish_json(process)
        timed = slice(workload.warm, None)
        return rated(sum(said["tokens"][timed]), said["seconds"], loss=said["loss"], peak_bytes=said["peak_bytes"],
                     source_tokens=sum(said["source_tokens"][timed]))


class Peer:
    """`malloc`: whether it has the environment that suits it (see MALLOC). `tuned`: with the fused optimizer, in
    micro-batches, and in processes or threads, whichever is fastest; else as written by someone who tunes nothing.
    """

    counted = "updates"

    def __init__(self, kind, precision="float32", malloc=True, tuned=True):
        self.kind, self.precision, self.malloc, self.tuned = kind, precision, malloc, tuned
        how = "" if malloc else ", malloc as it is"
        self.name = {"hugging_face": "Hugging Face", "pytorch": "PyTorch"}[kind] + (
            f" {precision}{how}" if tuned else " defaults")

    def ladders(self):
        if not self.tuned:
            yield [{"processes": 1, "threads": len(programs.cores()), "micro": 1}]
            return
        for processes, threads in ((1, 2), (2, 1)):
            yield [{"processes": processes, "threads": threads, "micro": micro} for micro in (1, 2, 4, 8)]

    def measure(self, workload, setting, updates):
        workload = dataclasses.replace(workload, updates=updates)
        job = {"kind": self.kind, "model": str(workload.model), "corpus": str(workload.corpus),
               "batches": workload.batches(), "warm": workload.warm, "train": workload.train,
               "dropout": workload.dropout, "precision": self.precision, "fused": self.tuned,
               "rank": 0, "environment": MALLOC if self.malloc else {}, **setting}
        jobs = [job]
        with tempfile.TemporaryDirectory() as folder:
            if setting["processes"] > 1:
                jobs = [{**job, "rank": rank, "core": core, "meeting": f"{folder}/ranks"} for rank, core in
                        zip(range(setting["processes"]), programs.cores())]
            results = workers.run("train_worker.py", jobs)
        loss = [sum(shares) for shares in zip(*(result["loss"] for result in results))]
        return rated(results[0]["tokens"], max(result["seconds"] for result in results), loss=loss)
