"""Processes that load something, wait for each other, and then all start at once.

A worker prints "ready", waits for a line, works, and prints one JSON object.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent


def serve(prepare, work):
    """In a worker: `prepare(job)` loads and warms up, untimed; `work(job, prepared)` is timed and returns a dict."""
    job = json.loads(sys.argv[1])
    if job.get("core") is not None:
        os.sched_setaffinity(0, {job["core"]})
    prepared = prepare(job)
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    result = work(job, prepared)
    print(json.dumps({"seconds": time.perf_counter() - begin, **result}), flush=True)


def _start(script, job):
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.get("threads", 1)), "TOKENIZERS_PARALLELISM": "false",
                   "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", **job.get("environment", {})}
    return subprocess.Popen([sys.executable, FOLDER / script, json.dumps(job)], env=environment, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _expect(worker, script):
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError(f"{script} ended with exit code {worker.wait()}")
    return line


def run(script, jobs):
    """Results of all jobs, which work at the same time."""
    workers = [_start(script, job) for job in jobs]
    try:
        for worker in workers:
            _expect(worker, script)
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return [json.loads(_expect(worker, script)) for worker in workers]
    finally:
        for worker in workers:
            worker.stdin.close()
            worker.stdout.close()
            worker.wait()
