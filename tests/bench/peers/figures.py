"""What a benchmark says of itself: where it ran, its parts one after the other, its figures beside their targets."""

import argparse
import importlib.metadata
import json
import pathlib
import platform
import re

from programs import cores


def add_options(parser, parts, rounds):
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the peers, their models and runs")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often the engines take turns [{rounds}]")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to test the benchmark: figures mean nothing")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures and rates")
    parser.add_argument("--parts", default=",".join(parts), help="comma-separated, of " + ", ".join(parts))


def chosen(parts, words):
    """The parts in their own order, whatever the order of the words."""
    wanted = words.split(",")
    unknown = [name for name in wanted if name not in parts]
    if unknown:
        raise SystemExit(f"error: no part {unknown[0]} (there are {', '.join(parts)})")
    return [name for name in parts if name in wanted]


def processor():
    found = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def circumstances(bench, packages):
    versions = {name: importlib.metadata.version(name) for name in packages}
    facts = {"processor": processor(), "cores": len(cores()), "rest": bench.tools.version(), **versions,
             "rounds": bench.rounds, "quick": bench.quick}
    bench.say(f"{facts['processor']}, {facts['cores']} cores; {' '.join(facts['rest'].split())}; "
              + ", ".join(f"{name} {version}" for name, version in versions.items()))
    return facts


def run_parts(bench, parts, names, facts, file):
    """Figures of all parts; the file holds what there is after each."""
    figures, details, found = {}, {}, {}
    for name in names:
        bench.say(f"\n== {name}")
        values, details[name] = parts[name](bench, found)
        figures.update(values)
        if file:
            file.write_text(json.dumps({**figures, "circumstances": facts, "details": details}, indent=1))
    return figures


def reached(value, target):
    if target is None:
        return ""
    reach, go_for, more = target
    met = [value >= limit if more else value <= limit for limit in (reach, go_for)]
    return "go-for reached" if met[1] else "reached" if met[0] else "missed"


def print_figures(bench, targets, figures):
    """`targets`: by key (reach, go for, whether more is better), or None where nothing was asked for."""
    bench.say(f"\n{'figure':<32} {'value':>9} {'reach':>7} {'go for':>7}")
    for key in list(targets) + [key for key in figures if key not in targets]:
        target = targets.get(key)
        digits = 4 if key.startswith("log_prob") else 3
        value = f"{figures[key]:.{digits}f}" if key in figures else "-"
        limits = [f"{limit:g}" for limit in target[:2]] if target else ["", ""]
        verdict = reached(figures[key], target) if key in figures else "not measured"
        bench.say(f"{key:<32} {value:>9} {limits[0]:>7} {limits[1]:>7}  {verdict}")
    if bench.quick:
        bench.say("--quick: sizes are too small for these figures to mean anything")
