"""Speed of the matrix products of a model's layers, by precision, with the fastest operators that torch has."""

import time

import torch
import workers

WINDOW_SECONDS = 0.12  # fixed, so that workers that started together stay in the same shape and precision
WINDOWS = 3
CANDIDATES = {"float32": ("linear", "prepacked"), "bfloat16": ("prepacked",), "int8": ("qlinear",)}


def product(precision, how, rows, width, out):
    x, weight = torch.randn(rows, width), torch.randn(out, width) * 0.02
    if precision == "int8":
        quantised = torch.randint(-127, 127, (out, width), dtype=torch.int8)
        packed = torch.ops.onednn.qlinear_prepack(quantised, [rows, width])
        values = torch.randint(0, 127, (rows, width)).to(torch.uint8)
        scale, zero = torch.ones(out), torch.zeros(out, dtype=torch.int32)
        return lambda: torch.ops.onednn.qlinear_pointwise(values, 1.0, 0, packed, scale, zero, None, 1.0, 0,
                                                          torch.float32, "none", [], "")
    dtype = getattr(torch, precision)
    x, weight = x.to(dtype), weight.to(dtype)
    if how == "linear":
        return lambda: torch.nn.functional.linear(x, weight)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda: torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")


def best_seconds(call):
    best = float("inf")
    for _ in range(WINDOWS):
        calls, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < WINDOW_SECONDS:
            call()
            calls += 1
        best = min(best, (time.perf_counter() - begin) / calls)
    return best


def prepare(job):
    torch.set_num_threads(1)
    return [(shape, precision, how, product(precision, how, job["rows"], *shape))
            for shape in job["shapes"] for precision, ways in CANDIDATES.items() for how in ways]


def work(job, prepared):
    rates = []
    with torch.inference_mode():
        for (width, out), precision, how, call in prepared:
            call()
            flop = 2 * job["rows"] * width * out
            rates.append([precision, how, width, out, flop / best_seconds(call) / 1e9])
    return {"rates": rates}


workers.serve(prepare, work)
