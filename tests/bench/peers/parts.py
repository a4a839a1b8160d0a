"""The parts of the benchmark. Each takes the bench and what earlier parts found, and returns figures and details."""

import dataclasses
import statistics

import agreement
import programs
import run_files
from engines import CTranslate2, HuggingFace, Rest, searched
from timing import fastest, print_rows, take_turns

SHORT = {"float32": "f32", "bfloat16": "bf16", "int8": "int8"}


def ours(bench, sharing):
    return [Rest(bench.tools, precision, sharing) for precision in bench.tools.precisions()]


def named(rows, start):
    return next(row for row in rows if row.name.startswith(start))


def title(workload):
    return (f"{workload.name}, random weights, {workload.length} tokens, N = {workload.samples}, "
            "ours without prefix sharing")


def best_of_ours(rows):
    return fastest([row for row in rows if isinstance(row.engine, Rest)])


def best_unshared_base(bench, found):
    """Our fastest precision on base without sharing; parts that run alone search for it."""
    if "base" not in found:
        rows = searched(bench, bench.random_workload("base"), ours(bench, sharing=False))
        found["base"] = {SHORT[row.engine.precision]: row for row in rows}
    return fastest(found["base"].values())


def _precisions(bench, name, others=()):
    """Each precision of ours beside CTranslate2's: rows, the two ratios, details."""
    workload = bench.random_workload(name)
    apart = agreement.check(bench.tools, workload, 8, bench.say)
    engines = ours(bench, sharing=False) + [CTranslate2("float32"), CTranslate2("int8"), *others]
    rows = take_turns(bench, workload, searched(bench, workload, engines))
    print_rows(bench, title(workload), rows)
    ratios = (named(rows, "ReST float32").median() / named(rows, "CTranslate2 float32").median(),
              best_of_ours(rows).median() / named(rows, "CTranslate2 int8").median())
    return rows, ratios, {"rows": [row.as_json() for row in rows], "log_prob_apart": apart}


def base(bench, found):
    rows, (float32, best), details = _precisions(bench, "base", [HuggingFace()])
    found["base"] = {SHORT[row.engine.precision]: row for row in rows if isinstance(row.engine, Rest)}
    return {"f32_vs_ct2_f32": float32, "best_vs_ct2_int8": best,
            "base_best_vs_hf": best_of_ours(rows).median() / named(rows, "Hugging").median()}, details


def big(bench, found):
    _, (float32, best), details = _precisions(bench, "big")
    return {"big_f32_vs_ct2_f32": float32, "big_best_vs_ct2_int8": best}, details


def tiny(bench, found):
    workload = bench.random_workload("tiny")
    apart = agreement.check(bench.tools, workload, 8, bench.say)
    mine = fastest(searched(bench, workload, ours(bench, sharing=False)))
    rows = take_turns(bench, workload, [mine] + searched(bench, workload, [CTranslate2("int8"), HuggingFace()]))
    print_rows(bench, title(workload), rows)
    return ({"best_vs_hf": mine.median() / named(rows, "Hugging").median(),
             "tiny_best_vs_ct2_int8": mine.median() / named(rows, "CTranslate2 int8").median()},
            {"rows": [row.as_json() for row in rows], "log_prob_apart": apart})


def trained(bench, found):
    workload = bench.trained_workload()
    apart = agreement.check(bench.tools, workload, 16, bench.say)
    shared = fastest(searched(bench, workload, ours(bench, sharing=True)))
    rows = [shared, fastest(searched(bench, workload, ours(bench, sharing=False)))]
    rows += searched(bench, workload, [CTranslate2("int8"), HuggingFace()])
    take_turns(bench, workload, rows)
    print_rows(bench, f"trained policy, test set, natural lengths, N = {workload.samples}", rows)
    peer = named(rows, "CTranslate2").median()
    figures = {"trained_vs_ct2_int8": shared.median() / peer,
               "trained_unshared_vs_ct2_int8": rows[1].median() / peer,
               "trained_best_vs_hf": shared.median() / named(rows, "Hugging").median()}
    return figures, {"rows": [row.as_json() for row in rows], "log_prob_apart": apart}


def _two_processes(workload, row, sources, shard):
    """Two runs of half the sources each, at the same time, each bound to its core as a rank would be."""
    commands = [row.engine.command(workload, row.found["setting"], sources // 2, run=f"process-{i}", shard=shard)
                for i in range(2)]
    started = [programs.start(programs.on_core(core, command))
               for core, command in zip(programs.cores(), commands)]
    return sum(programs.finish(process)["rate"] for process in started)


def ranks(bench, found):
    workload = bench.random_workload("base")
    row = best_unshared_base(bench, found)
    setting, pairs = row.found["setting"], []
    # Many shards a rank, as in a real Grow step: the queue is part of what is measured, and so is the wait for the last
    # shard, which is up to one shard long however many there are.
    shard = row.engine.unit(workload, setting) // 2
    sources = shard * (8 if bench.quick else 64)
    for turn in range(bench.rounds):
        together = [lambda: row.engine.measure(workload, setting, sources, shard=shard)["rate"],
                    lambda: _two_processes(workload, row, sources, shard)]
        # In turns first and second.
        values = [together[i]() for i in ((0, 1) if turn % 2 == 0 else (1, 0))]
        pairs.append(values if turn % 2 == 0 else values[::-1])
        bench.say(f"  round {turn + 1}: 2 ranks {pairs[-1][0]:,.0f}, sum of 2 processes {pairs[-1][1]:,.0f} tokens/s")
    ours_median, theirs = (statistics.median(values) for values in zip(*pairs))
    bench.say(f"\n2 ranks against 2 processes, {row.name}, base: {ours_median:,.0f} and {theirs:,.0f} tokens/s\n")
    return {"ranks_2_vs_2_processes": ours_median / theirs}, {"pairs": pairs, "engine": row.name}


def _peaks(bench, workload, samples, bounds):
    """Peak resident bytes of one process for each bound of rows, two processes at a time."""
    peaks, waiting = [], []
    for rows in bounds:
        shape = dataclasses.replace(workload, samples=samples)
        engine = Rest(bench.tools, "float32", sharing=False)
        sources = max(1, rows // samples)
        # One shard: all rows of the bound live at once.
        command = engine.command(shape, {"max_rows": rows}, sources, run=f"memory-{samples}-{rows}", shard=sources)
        waiting.append(programs.start(command))
        if len(waiting) == 2:
            peaks += [programs.finish(process)["peak"] for process in waiting]
            waiting = []
    return peaks + [programs.finish(process)["peak"] for process in waiting]


def memory(bench, found):
    """A slope, so that weights and buffers that do not grow with the rows fall out."""
    workload = bench.random_workload("tiny")
    many, few = (8, 4) if bench.quick else (1000, 25)
    bounds = (many // 4, many)
    slopes = {}
    for samples in (many, few):
        low, high = _peaks(bench, workload, samples, bounds)
        slopes[samples] = (high - low) / (bounds[1] - bounds[0])
    bench.say(f"\nbytes resident a live row, tiny, float32, no prefix sharing (peak resident size with {bounds[1]} "
              f"rows minus with {bounds[0]}, a row): "
              + ", ".join(f"N = {n}: {v:,.0f}" for n, v in slopes.items()) + "\n")
    return ({"row_bytes_n1000_vs_n25": slopes[many] / slopes[few]},
            {"row_bytes": {str(n): value for n, value in slopes.items()}, "rows": bounds})


def _greedy_chrf(bench, precision, corpus, run):
    import sacrebleu

    text = "".join(line + "\n" for line in corpus["source_text"])
    # Greedy is the program's default; the tokenizer is the run's.
    output, _ = bench.tools.call("rest_translate", "--run", str(run), "--set", f'grow.precision="{precision}"',
                                 text=text)
    return sacrebleu.corpus_chrf(output.splitlines(), [corpus["target_text"]]).score


def quality(bench, found):
    workload = bench.trained_workload()
    sentences = 40 if bench.quick else len(workload.corpus["source"])
    corpus = run_files.chosen(workload.corpus, range(sentences))
    run = run_files.make_run(workload.folder / "quality", workload.model / "policy", workload.corpus_of(sentences))
    (run / "tokenizer").symlink_to((bench.trained / "tokenizer").resolve())
    figures, scores = {}, {}
    for precision in bench.tools.precisions():
        scores[precision] = agreement.our_answers(bench.tools, workload, sentences, precision)["log_prob"]
        figures[f"chrf_{SHORT[precision]}"] = _greedy_chrf(bench, precision, corpus, run)
    details = {}
    for precision in list(scores)[1:]:
        differences = [a - b for a, b in zip(scores[precision], scores["float32"])]
        figures[f"log_prob_difference_{SHORT[precision]}"] = statistics.mean(differences)
        details[f"log_prob_difference_{SHORT[precision]}_absolute"] = statistics.mean(map(abs, differences))
    bench.say(f"\nprecision, trained policy, {sentences} sentences of the test set: greedy chrF "
              + ", ".join(f"{k[5:]} {v:.2f}" for k, v in figures.items() if k.startswith("chrf"))
              + "; log-probability of the references minus float32's, nats a sentence, mean (mean of absolute values): "
              + ", ".join(f"{k[20:]} {v:+.4f} ({details[k + '_absolute']:.4f})" for k, v in figures.items()
                          if k.startswith("log")) + "\n")
    return figures, details
