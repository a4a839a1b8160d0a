"""Rounds in which the engines take turns, each at its best setting."""

import statistics


class Row:
    """One engine's rates over the rounds of a part; `amount` is what it works through each time, in `counted`."""

    def __init__(self, engine, found, amount):
        self.engine, self.found, self.amount = engine, found, amount
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
        return {"engine": self.name, "setting": self.found["setting"], self.engine.counted: self.amount,
                "rates": self.rates(), "median": self.median(), "seconds": [m["seconds"] for m in self.measured],
                **({"tokens_a_decoded_row": statistics.median(extra)} if extra else {})}


def describe(setting):
    return ", ".join(f"{key} {value}" for key, value in setting.items() if key != "compute_type")


def climb(engine, ladders, measure, say):
    """The fastest setting and what was measured with it.

    Climbs each ladder while it gets faster, and leaves one that begins at less than half the speed of another.
    """
    best = None
    for ladder in ladders:
        last = 0.0
        for setting in ladder:
            measured = measure(setting)
            say(f"  search {engine.name} {describe(setting)}: {measured['rate']:,.0f} tokens/s")
            if best is None or measured["rate"] > 1.01 * best[1]["rate"]:
                best = setting, measured
            if measured["rate"] < max(1.01 * last, 0.5 * best[1]["rate"]):
                break
            last = measured["rate"]
    return best


def fastest(rows):
    return max(rows, key=lambda row: row.median() if row.measured else row.found["rate"])


def take_turns(bench, workload, rows):
    for turn in range(bench.rounds):
        # The order turns from round to round: none always runs on a machine that another has just warmed.
        for row in rows[turn % len(rows):] + rows[:turn % len(rows)]:
            row.measured.append(row.engine.measure(workload, row.found["setting"], row.amount))
        bench.say(f"  round {turn + 1}: " + ", ".join(f"{row.name} {row.rates()[-1]:,.0f}" for row in rows))
    return rows


def print_rows(bench, title, rows):
    bench.say(f"\n{title}")
    width = max(len(row.name) for row in rows)
    bench.say(f"  {'engine':<{width}} {'median':>9} {'min':>9} {'max':>9} tokens/s   setting")
    for row in rows:
        rates = row.rates()
        bench.say(f"  {row.name:<{width}} {row.median():>9,.0f} {min(rates):>9,.0f} {max(rates):>9,.0f}            "
                  f"{describe(row.found['setting'])}; {row.amount} {row.engine.counted}")
    bench.say()
