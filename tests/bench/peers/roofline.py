"""How near to the machine's matrix products the sampling comes, altogether and by component."""

import programs
import workers
from parts import SHORT, best_unshared_base
from timing import fastest

ROWS = 512


def products(config):
    """(component, width, out, times a decoded token)."""
    hidden, inner, layers = config["hidden"], config["feed_forward"], config["decoder_layers"]
    return [("projection", hidden, 3 * hidden, layers), ("projection", hidden, hidden, 3 * layers),
            ("feed_forward", hidden, inner, layers), ("feed_forward", inner, hidden, layers),
            ("head", hidden, config["vocabulary_size"], 1)]


def flop_by_component(config, workload):
    """Of a decoded token; the encoder's share and the keys and values of its output spread over a source's tokens."""
    flop = {"projection": 0.0, "feed_forward": 0.0, "head": 0.0}
    for component, width, out, times in products(config):
        flop[component] += 2.0 * width * out * times
    hidden, inner = config["hidden"], config["feed_forward"]
    pieces = len(workload.corpus["source"][0]) + 1
    seen = (workload.length + 1) / 2 + pieces
    flop["attention"] = 4.0 * hidden * seen * config["decoder_layers"]
    encoder = 2.0 * (4 * hidden * hidden + 2 * hidden * inner) * config["encoder_layers"]
    keys = 2.0 * 2 * hidden * hidden * config["decoder_layers"]
    flop["encoder"] = pieces * (encoder + keys) / (workload.samples * workload.length)
    return flop


def measure_peaks(bench, config):
    """By precision and shape, GFLOP/s of two processes of one thread at the same time: the best of LibTorch's operators
    and of the kernels that sampling uses.
    """
    shapes = [(width, out) for _, width, out, _ in products(config)]
    jobs = [{"shapes": shapes, "rows": ROWS, "core": core, "threads": 1} for core in programs.cores()[:2]]
    results = workers.run("gemm_worker.py", jobs)
    peaks = {}
    for both in zip(*(result["rates"] for result in results)):
        precision, _, width, out, _ = both[0]
        shape = peaks.setdefault(precision, {})
        shape[width, out] = max(shape.get((width, out), 0.0), sum(rate for *_, rate in both))
    for both in zip(*bench.tools.gemm_rates(ROWS, sorted(set(shapes)))):
        precision, width, out, _ = both[0]
        peaks[precision][width, out] = max(peaks[precision][width, out], sum(rate for *_, rate in both))
    return peaks


def mix_rate(config, by_shape):
    """Of a decoded token's products one after the other."""
    flop = seconds = 0.0
    for _, width, out, times in products(config):
        flop += 2.0 * width * out * times
        seconds += 2.0 * width * out * times / by_shape[width, out]
    return flop / seconds


def components(bench, workload, row, flop, peak):
    """Share of the time and of the peak; asks the program, whose components add up to its time."""
    measured = row.engine.measure(workload, row.found["setting"], row.amount)
    total = sum(seconds for name, seconds in measured["profile"].items() if name != "writing")  # that goes on beside
    table = {}
    for name, seconds in measured["profile"].items():
        time_share = seconds / total
        rate = measured["rate"] * flop.get(name, 0.0) / 1e9 / time_share if time_share > 0 else 0.0
        table[name] = {"time_share": time_share, "gflop_a_second": rate, "peak_share": rate / peak}
    bench.say(f"  {row.name}: component, share of the time, GFLOP/s while in it, share of the peak")
    for name, values in table.items():
        bench.say(f"    {name:<14} {values['time_share']:>6.1%} {values['gflop_a_second']:>8.0f} "
                  f"{values['peak_share']:>6.1%}")
    return table


def roofline(bench, found):
    workload = bench.random_workload("base")
    best = best_unshared_base(bench, found)
    config = workload.config()
    flop, peaks = flop_by_component(config, workload), measure_peaks(bench, config)
    products_flop = sum(value for name, value in flop.items() if name != "attention")
    bench.say(f"\nroofline, base, {ROWS} rows a product, 2 processes of one thread at the same time, GFLOP/s")
    for precision, by_shape in peaks.items():
        bench.say(f"  {precision:<9} " + ", ".join(f"{w}x{o} {rate:.0f}" for (w, o), rate in by_shape.items())
                  + f"; peak {max(by_shape.values()):.0f}, in the model's mix {mix_rate(config, by_shape):.0f}")
    figures, details = {}, {"flop_a_token": flop, "peaks": {p: {f"{w}x{o}": r for (w, o), r in shapes.items()}
                                                            for p, shapes in peaks.items()}, "components": {}}
    for short, row in found["base"].items():
        by_shape = peaks[row.engine.precision]
        rate = row.median() if row.measured else row.found["rate"]
        reached, peak = rate * products_flop / 1e9, max(by_shape.values())
        figures[f"peak_share_{short}"] = reached / peak
        figures[f"mix_share_{short}"] = reached / mix_rate(config, by_shape)
        bench.say(f"  {row.name}: {reached:.0f} GFLOP/s in products, {reached / peak:.1%} of the peak, "
                  f"{figures[f'mix_share_{short}']:.1%} of the mix")
        details["components"][short] = components(bench, workload, row, flop, peak)
    bench.say()
    figures["peak_share"] = figures[f"peak_share_{SHORT[best.engine.precision]}"]
    return figures, details
