"""Rounds in which the engines take turns, each at its best setting."""

import statistics

from engines import describe, search, sources_for


class Row:
    """One engine's rates over the rounds of a part."""

    def __init__(self, engine, found, sources):
        self.engine, self.found, self.sources = engine, found, sources
        self.measured = []

    @property
    def name(self):
        return self.engine.name

    def rates(self):
        return [measured["rate"] for measured in self.measured]

    def median(self):
        return statistics.median(self.rates())

    def as_json(self):
        extra = [m["tokens_a_row"] for m in self.measured if "tokens_a_row" in m]
        return {"engine": self.name, "setting": self.found["setting"], "sources": self.sources, "rates": self.rates(),
                "median": self.median(), "seconds": [m["seconds"] for m in self.measured],
                **({"tokens_a_decoded_row": statistics.median(extra)} if extra else {})}


def searched(bench, workload, engines):
    """A row for each engine at the best of its settings, sized to take about bench.seconds."""
    rows = []
    for engine in engines:
        found = search(engine, workload, bench.say)
        # Where lengths vary, the last samples of a shard run alone: longer, for that to weigh less.
        seconds = bench.seconds if workload.fixed_length else 1.5 * bench.seconds
        rows.append(Row(engine, found, sources_for(engine, workload, found, seconds)))
    return rows


def fastest(rows):
    return max(rows, key=lambda row: row.median() if row.measured else row.found["rate"])


def take_turns(bench, workload, rows):
    for turn in range(bench.rounds):
        # The order turns from round to round: none always runs on a machine that another has just warmed.
        for row in rows[turn % len(rows):] + rows[:turn % len(rows)]:
            row.measured.append(row.engine.measure(workload, row.found["setting"], row.sources))
        bench.say(f"  round {turn + 1}: " + ", ".join(f"{row.name} {row.rates()[-1]:,.0f}" for row in rows))
    return rows


def print_rows(bench, title, rows):
    bench.say(f"\n{title}")
    bench.say(f"  {'engine':<26} {'median':>9} {'min':>9} {'max':>9} tokens/s   setting")
    for row in rows:
        rates = row.rates()
        bench.say(f"  {row.name:<26} {row.median():>9,.0f} {min(rates):>9,.0f} {max(rates):>9,.0f}            "
                  f"{describe(row.found['setting'])}; {row.sources} sources")
    bench.say()
