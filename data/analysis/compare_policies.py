#!/usr/bin/env python3
"""Policies side by side, as one HTML page: sources, references, outputs and rewards, biggest wins and losses first.

By default greedy outputs on an evaluated corpus, each policy compared with the first named:

  compare_policies.py run/mine --policies g0-i0 bc/g1-i4 --corpus test

With --grow-step the candidates of one or more Grow steps, each sampled by the policy before it:

  compare_policies.py run/mine --grow-step 1 2 --sources 200

The page is one file that needs nothing else: no network, no server. Words that differ are marked; the page sorts,
filters and searches, by keyboard too."""

import numpy as np

from agreement import sign_test
from comparison_page import ORDERS, Item, Output, page, table_html
from evaluation import EvaluatedCorpus
from grow_shards import GrowShards, Sentences
from rest_run import Problem, Run, arguments, at_least, start, warn


class GreedyComparison:
    """Greedy outputs of policies on an evaluated corpus, compared with the first policy's."""

    def __init__(self, run, corpus, asked, limit):
        policies = asked or run.evaluated(corpus)
        if not policies:
            raise Problem(f"{run.path / 'metrics'} has no evaluation on {corpus}; run rest_evaluate")
        self._set = EvaluatedCorpus(run, corpus, policies)
        self._run = run
        self.names = policies
        rewards = np.array([one.rewards for one in self._set.evaluations])  # [policies, sentences]
        self._order = np.arange(len(self._set))
        if limit and limit < len(self._order):
            reach = np.abs(rewards - rewards[0]).max(0) if len(policies) > 1 else -rewards[0]
            self._order = np.sort(np.argsort(-reach, kind="stable")[:limit])
        named = f"{'-'.join(policies).replace('/', '_')}." if asked else ""
        self.file = f"compare.{named}{corpus}.html"
        self.title = f"{' and '.join(policies) if len(policies) < 3 else f'{len(policies)} policies'} on {corpus}"
        self.orders = [order for order in ORDERS if order != "spread" and
                       (len(policies) > 1 or order not in ("wins", "losses", "differences"))]

    def caption(self):
        half = " (report half)" if self._set.corpus == "valid" else ""
        shown = "" if len(self._order) == len(self._set) else f", the {len(self._order):,} that differ most are shown"
        return (f"run {self._run.name}, {self._set.corpus}{half}: {len(self._set):,} sources{shown}; greedy output, reward "
                f"{self._set.reward}")

    def notes(self):
        if len(self.names) == 1:
            return ""
        return (f"Wins, losses and marked words are against {self.names[0]}, over all sources. p: two-sided sign test over "
                "sources, ties left out.")

    def summary(self):
        first = self._set.evaluations[0]
        rows = []
        for one in self._set.evaluations:
            gain = one.rewards - first.rewards
            wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
            compared = [f"{gain.mean():+.4f}", f"{wins:,}", f"{len(gain) - wins - losses:,}", f"{losses:,}",
                        f"{sign_test(wins, losses):.2g}", f"{sum(a == b for a, b in zip(one.texts, first.texts)):,}"]
            greedy = one.metrics.get("greedy", {})
            rows.append([one.policy, one.trained_on, f"{one.rewards.mean():.4f}",
                         f"{one.sampled_rewards.mean():.4f}" if len(one.sampled_rewards) else "-"] +
                        [f"{greedy[key]:.2f}" if key in greedy else "-" for key in ("bleu", "chrf")] +
                        ([""] * 6 if one is first else compared))
        return table_html(["policy", "trained on", "reward, greedy", "reward, sampled", "BLEU", "chrF", "gain", "wins",
                           "same", "losses", "p", "identical outputs"], rows, 2)

    def items(self):
        return [self._item(place) for place in self._order]

    def _item(self, place):
        first = self._set.evaluations[0]
        outputs = [Output(first.policy, first.rewards[place], first.texts[place])]
        for one in self._set.evaluations[1:]:
            outputs.append(Output(one.policy, one.rewards[place], one.texts[place],
                                  one.rewards[place] - first.rewards[place], first.texts[place]))
        values = [one.rewards[place] for one in self._set.evaluations]
        same = [one.texts[place] == first.texts[place] for one in self._set.evaluations]
        return Item(f"{self._set.corpus} {self._set.rows[place] + 1}", self._set.sources[place],
                    self._set.references[place], outputs, values, same, max(values) - min(values))


class Candidates:
    """Samples of one Grow step for its first sources."""

    def __init__(self, run, number, reward, sources):
        self.number = number
        self.shards = []
        grow = GrowShards(run, number, [reward])
        self.how, left = grow.sampled_how(), sources
        for shard in grow:
            self.shards.append((shard, min(left, shard.sources)))
            left -= shard.sources
            if left <= 0:
                break

    def by_source(self):
        """Corpus row -> (shard, rows of its samples, best first)."""
        found = {}
        for shard, sources in self.shards:
            ends = np.cumsum(shard.candidates_per_source)
            for place in range(sources):
                rows = np.arange(ends[place] - shard.candidates_per_source[place], ends[place])
                rows = rows[~shard.original[rows]]
                if len(rows):
                    order = np.argsort(-shard.reward[rows], kind="stable")
                    found[shard.first_source + place] = (shard, rows[order])
        return found


class GrowComparison:
    """Candidates of Grow steps, best and worst of each source."""

    def __init__(self, run, numbers, reward, sources, candidates):
        self._run, self._reward, self._shown = run, reward, candidates
        self._steps = [Candidates(run, number, reward, sources) for number in numbers]
        self._found = [step.by_source() for step in self._steps]
        self._rows = sorted(set.intersection(*map(set, self._found)))
        if not self._rows:
            raise Problem(f"no source has samples in all of the Grow steps {', '.join(map(str, numbers))}")
        self.names = [f"g{number}" for number in numbers]
        self.file = f"compare.{'-'.join(self.names)}.{reward}.html"
        self.title = f"Candidates of Grow step {' and '.join(self.names)}"
        self.orders = [order for order in ORDERS if len(numbers) > 1 or order not in ("wins", "losses", "differences")]
        if len(numbers) == 1:
            self.orders.insert(0, self.orders.pop(self.orders.index("spread")))

    def caption(self):
        how = "; ".join(f"{name}: {step.how}" for name, step in zip(self.names, self._steps))
        return f"run {self._run.name}, first {len(self._rows):,} sources; {how}; reward {self._reward}"

    def notes(self):
        return (f"Up to {self._shown} different samples a source and step, best and worst; marks and gains are against the "
                "reference and its reward. A source's reward is the mean over its samples, weighted by how often each was "
                "drawn.")

    def summary(self):
        rows = []
        for name, found in zip(self.names, self._found):
            means = np.mean([self._figures(*found[row]) for row in self._rows], axis=0)
            rows.append([name] + [f"{mean:.4f}" for mean in means])
        return table_html(["Grow step", "mean reward", "best of a source", "worst of a source"], rows)

    @staticmethod
    def _figures(shard, rows):
        rewards = shard.reward[rows].astype(np.float64)
        return np.average(rewards, weights=shard.count[rows]), rewards.max(), rewards.min()

    def items(self):
        sources, references = (Sentences(self._run, "train", side) for side in ("source", "target"))
        items = []
        for row in self._rows:
            source, reference = (side.rows(row, row + 1)[0] if side else "" for side in (sources, references))
            figures = [self._figures(*found[row]) for found in self._found]
            outputs = [output for name, found in zip(self.names, self._found)
                       for output in self._outputs(name, *found[row], reference)]
            items.append(Item(f"train {row + 1}", source, reference, outputs, [mean for mean, _, _ in figures],
                              [k == 0 for k in range(len(figures))], max(best - worst for _, best, worst in figures)))
        return items

    def _outputs(self, name, shard, rows, reference):
        if len(rows) > self._shown:
            worst = self._shown // 2
            rows = np.concatenate([rows[:self._shown - worst], rows[len(rows) - worst:]])
        original = shard.original_row[shard.place[rows[0]]]
        for row in rows:
            text = self._run.decode(shard.tokens_of(row))
            gain = float(shard.reward[row]) - float(shard.reward[original]) if original >= 0 else None
            note = f"{shard.count[row]} x" + ("" if shard.finished[row] else ", unfinished")
            yield Output(name, shard.reward[row], text, gain, reference if original >= 0 else None, note)


def make_comparison(run, options):
    if options.grow_step:
        if options.policies:
            raise Problem("--policies are compared on an evaluated corpus, --grow-step shows candidates: give one of them")
        return GrowComparison(run, options.grow_step, run.reward_name(options.reward), options.sources, options.candidates)
    if options.policies and len(set(options.policies)) < len(options.policies):
        raise Problem("--policies names a policy twice")
    comparison = GreedyComparison(run, options.corpus, options.policies, options.limit)
    if len(comparison.names) == 1:
        warn(f"only {comparison.names[0]} is shown: name another policy to compare it with")
    return comparison


def main():
    parser = arguments(__doc__)
    parser.add_argument("--policies", nargs="+", metavar="POLICY", help="the others are compared with the first [all]")
    parser.add_argument("--corpus", default="test", choices=["valid", "test"], help="corpus evaluated on [test]")
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="show the N sources that differ most [all]")
    parser.add_argument("--grow-step", type=at_least(1), nargs="+", metavar="G", help="show candidates of these Grow steps")
    parser.add_argument("--reward", metavar="NAME", help="reward column of the candidates [the experiment's]")
    parser.add_argument("--sources", type=at_least(1), default=200, metavar="N",
                        help="with --grow-step: the first N sources [200]")
    parser.add_argument("--candidates", type=at_least(1), default=8, metavar="K",
                        help="with --grow-step: at most K different samples of a source, best and worst [8]")
    options = parser.parse_args()
    run = Run(options.run)
    comparison = make_comparison(run, options)
    text = page(comparison.title, comparison.caption(), comparison.summary(), comparison.notes(), comparison.names,
                comparison.orders, comparison.items())
    print(run.write_report(comparison.file, text, options.out))


if __name__ == "__main__":
    start(main)
