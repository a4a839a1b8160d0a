"""The parts of the benchmark of training: as in parts.py, each returns figures and details."""

import dataclasses
import functools
import statistics

import programs
import roofline
import train_agreement
from timing import Row, climb, fastest, print_rows, take_turns
from train_engines import Peer, Rest


def searched(bench, workload, engines):
    """A row for each engine at the best of its settings. An engine that differs from an earlier one in its malloc alone
    has that one's setting.
    """
    rows, known = [], {}
    for engine in engines:
        key = (engine.precision, getattr(engine, "kind", "ReST"), getattr(engine, "tuned", True))
        if key not in known:
            ladders = [ladder[:1] if bench.quick else ladder for ladder in engine.ladders()]
            measure = functools.partial(engine.measure, workload, updates=workload.updates)
            setting, measured = climb(engine, ladders, measure, bench.say)
            known[key] = {"setting": setting, "rate": measured["rate"]}
        rows.append(Row(engine, known[key], workload.updates))
    return rows


def ours(bench):
    return [Rest(precision) for precision in bench.tools.precisions("train")]


def rows_of(rows, kind, precision=None, tuned=True):
    return [row for row in rows if getattr(row.engine, "kind", "ReST") == kind
            and precision in (None, row.engine.precision) and getattr(row.engine, "tuned", True) == tuned]


def tiny(bench, found):
    workload = bench.workload("tiny")
    agreed = train_agreement.check(bench, workload, "hugging_face")
    engines = ours(bench) + [Peer("hugging_face", precision, malloc) for precision in ("float32", "bfloat16")
                             for malloc in (True, False)] + [Peer("hugging_face", malloc=False, tuned=False)]
    rows = take_turns(bench, workload, searched(bench, workload, engines))
    print_rows(bench, "tiny, 32,000 outputs, target tokens", rows)
    found["tiny"] = rows_of(rows, "ReST")
    best = fastest(found["tiny"]).median()
    peers = {precision: fastest(rows_of(rows, "hugging_face", precision)).median()
             for precision in ("float32", "bfloat16")}
    return ({"f32_vs_hf_f32": fastest(rows_of(rows, "ReST", "float32")).median() / peers["float32"],
             "best_vs_hf_bf16": best / peers["bfloat16"],
             "best_vs_hf_default": best / rows_of(rows, "hugging_face", tuned=False)[0].median()},
            {"rows": [row.as_json() for row in rows], "agreement": agreed})


def mini(bench, found):
    workload = bench.workload("mini")
    agreed = train_agreement.check(bench, workload, "pytorch")
    engines = ours(bench) + [Peer("pytorch", malloc=malloc) for malloc in (True, False)]
    rows = take_turns(bench, workload, searched(bench, workload, engines))
    print_rows(bench, "mini, 8,000 outputs, target tokens", rows)
    peer = fastest(rows_of(rows, "pytorch")).median()
    return ({"mini_vs_pytorch": fastest(rows_of(rows, "ReST")).median() / peer,
             "mini_f32_vs_pytorch": fastest(rows_of(rows, "ReST", "float32")).median() / peer},
            {"rows": [row.as_json() for row in rows], "agreement": agreed})


def product_flop(config, source_tokens, tokens):
    """Of training on so many real tokens: forward, and twice that backward. Products with weights alone."""
    hidden, inner = config["hidden"], config["feed_forward"]
    encoder = config["encoder_layers"] * (4 * hidden * hidden + 2 * hidden * inner)
    keys = config["decoder_layers"] * 2 * hidden * hidden
    decoder = config["decoder_layers"] * (6 * hidden * hidden + 2 * hidden * inner)
    return 3 * 2.0 * (source_tokens * (encoder + keys) + tokens * (decoder + hidden * config["vocabulary_size"]))


def flop_rate(workload, measured):
    """GFLOP/s"""
    flop = product_flop(workload.config(), measured["source_tokens"], measured["tokens"])
    return flop / measured["seconds"] / 1e9


def our_rows(bench, found, workload):
    """Our rows on tiny; parts that run alone search for them."""
    if "tiny" not in found:
        found["tiny"] = searched(bench, workload, ours(bench))
    return found["tiny"]


def peak(bench, found):
    workload = bench.workload("tiny")
    rows = our_rows(bench, found, workload)
    for row in rows:
        if not row.measured:
            row.measured = [row.engine.measure(workload, row.found["setting"], row.amount)]
    peaks = {precision: max(by_shape.values())
             for precision, by_shape in roofline.measure_peaks(bench, workload.config()).items()}
    shares = {}
    for row in rows:
        precision, rate = row.engine.precision, statistics.median(flop_rate(workload, m) for m in row.measured)
        shares[precision] = rate / peaks[precision]
        bench.say(f"{row.name}: {rate:.0f} GFLOP/s in products of real tokens, of a peak of {peaks[precision]:.0f} "
                  "(two processes at the same time, the best shape of LibTorch's operators and of our kernels)")
    return ({"peak_share": shares["bfloat16"], "peak_share_f32": shares["float32"]}, {"peaks": peaks})


def _two_processes(workload, row):
    """Each with half of the leaves, and of the tokens of an update, bound to its core as a rank would be."""
    half = dataclasses.replace(workload, tokens_per_update=workload.tokens_per_update // 2)
    setting = {"leaves": row.found["setting"]["leaves"] // 2}
    started = [programs.start(programs.on_core(core, row.engine.command(half, setting, row.amount)))
               for core in programs.cores()[:2]]
    return sum(flop_rate(half, row.engine.read(half, process)) for process in started)


def ranks(bench, found):
    """In GFLOP/s of real tokens: two processes cut updates of half the size, which hold other sentences."""
    workload = bench.workload("tiny")
    best = fastest(our_rows(bench, found, workload))
    row, pairs = Row(best.engine, best.found, 2 * workload.updates), []
    ways = [lambda: flop_rate(workload, row.engine.measure(workload, row.found["setting"], row.amount)),
            lambda: _two_processes(workload, row)]
    for turn in range(bench.rounds):
        # In turns first and second.
        values = [ways[i]() for i in ((0, 1) if turn % 2 == 0 else (1, 0))]
        pairs.append(values if turn % 2 == 0 else values[::-1])
        bench.say(f"  round {turn + 1}: 2 ranks {pairs[-1][0]:,.0f}, sum of 2 processes {pairs[-1][1]:,.0f} GFLOP/s")
    together, apart = (statistics.median(values) for values in zip(*pairs))
    bench.say(f"\n2 ranks against 2 processes, {row.name}, tiny: {together:,.0f} and {apart:,.0f} GFLOP/s")
    return {"ranks_2_vs_2_processes": together / apart}, {"pairs": pairs, "engine": row.name}


CANDIDATES = 8


def shared_encoder(bench, found):
    """The same updates in number and size, of sources with several candidates each: one by one, and together."""
    workload = bench.workload("tiny")
    best = fastest(our_rows(bench, found, workload))
    rows = []
    for together, name in ((1, ", one by one"), (CANDIDATES, ", together")):
        how = ("--candidates", str(CANDIDATES), "--together", str(together))
        rows.append(Row(Rest(best.engine.precision, how, name), best.found, 2 * workload.updates))
    take_turns(bench, workload, rows)
    print_rows(bench, f"tiny, {CANDIDATES} candidates a source, target tokens", rows)
    return ({"shared_encoder": rows[1].median() / rows[0].median()}, {"rows": [row.as_json() for row in rows]})


def memory(bench, found):
    """Peak resident bytes of a rank, of two, on `big`. What the ranks share counts in each."""
    workload, peaks = dataclasses.replace(bench.workload("big"), warm=0), {}
    for engine in ours(bench):
        for checkpointing in ("false", "true"):
            measured = engine.measure(workload, {"leaves": 2, "gradient_checkpointing": checkpointing}, 2)
            peaks[f"{engine.precision}{', layers run again' if checkpointing == 'true' else ''}"] = measured
            bench.say(f"{engine.name}, gradient_checkpointing = {checkpointing}: "
                      f"{measured['peak_bytes'] / 1e9:.2f} GB a rank, {measured['rate']:,.0f} tokens/s")
    plain, again = (min(measured["peak_bytes"] for name, measured in peaks.items() if ("again" in name) == checkpointed)
                    for checkpointed in (False, True))
    return {"big_gb_a_rank": plain / 1e9, "big_gb_a_rank_checkpointed": again / 1e9}, {"peaks": peaks}
