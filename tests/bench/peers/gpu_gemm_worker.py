"""Speed of large bfloat16 matrix products on the GPU."""

import torch
import workers


def prepare(job):
    a, b = (torch.randn(job["size"], job["size"], device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    return a, b


def work(job, prepared):
    a, b = prepared
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(job["times"]):
        a @ b
    end.record()
    torch.cuda.synchronize()
    return {"tflops": 2.0 * job["size"] ** 3 * job["times"] / begin.elapsed_time(end) / 1e9}


workers.serve(prepare, work)
