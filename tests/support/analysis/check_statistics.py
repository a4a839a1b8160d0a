#!/usr/bin/env python3
"""Statistics of human judgements against published examples, brute force and simulated raters with a known answer."""

import itertools
import math

import numpy as np
from checks import Checks

checks = Checks()

import agreement  # noqa: E402  (found through checks)
from blind_evaluate import Judgements, agreement_figures, collect_figures, preference_figures  # noqa: E402
from blind_read import Judgement  # noqa: E402

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: 4 observers, 12 units, missing data.
OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
PUBLISHED_ALPHA = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849}

# Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
PUBLISHED_WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]


def check_published():
    units = [[int(row[i]) for row in OBSERVERS if row[i] != "."] for i in range(12)]
    for level, value in PUBLISHED_ALPHA.items():
        checks.near(agreement.alpha(units, level), value, f"alpha, {level}", 1e-3)
    for successes, trials, low, high in PUBLISHED_WILSON:
        got = agreement.wilson(successes, trials)
        checks.that(abs(got[0] - low) < 6e-5 and abs(got[1] - high) < 6e-5, f"Wilson {successes}/{trials}: {got}")


def alpha_of_two(pairs):
    """Nominal alpha of two observers from its textbook definition, disagreement pair by pair."""
    values = [value for pair in pairs for value in pair]
    observed = sum(a != b for a, b in pairs) / len(pairs)
    different = sum(a != b for a, b in itertools.permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / different


def check_brute_force():
    random = np.random.default_rng(5)
    pairs = random.integers(0, 3, (40, 2)).tolist()
    checks.near(agreement.alpha(pairs, "nominal"), alpha_of_two(pairs), "alpha of two observers")
    checks.near(agreement.alpha([[1, 1], [2, 2], [1, 1, 1]], "nominal"), 1.0, "alpha of perfect agreement")
    checks.that(math.isnan(agreement.alpha([[1, 1], [1, 1]], "nominal")), "alpha without variation is defined")
    for wins, losses in ((0, 0), (1, 0), (3, 9), (8, 8), (12, 2)):
        n = wins + losses
        extreme = sum(abs(sum(signs) - n / 2) >= abs(wins - n / 2) for signs in itertools.product((0, 1), repeat=n))
        checks.near(agreement.sign_test(wins, losses), extreme / 2**n, f"sign test {wins}:{losses}")
    x, y = random.integers(0, 6, 50), random.integers(0, 6, 50)
    ranks = [np.array([1 + np.sum(v < a) + (np.sum(v == a) - 1) / 2 for a in v]) for v in (x, y)]
    checks.near(agreement.spearman(x, y), np.corrcoef(*ranks)[0, 1], "Spearman with ties")


class Study:
    """Made-up judgements of raters who see, with a known chance, that the second policy is better, the same or worse; an
    item's raters lean the same way, as people do."""

    def __init__(self, random, items, raters, second, same, lean=0.5):
        rewards = random.normal(0, 0.1, (items, 2)).tolist()
        self.key = {"policies": ["A", "B"], "reward": "chrf", "corpus": "test", "items": [{"rewards": r} for r in rewards],
                    "drawn": {"differing": items, "identical": items}, "sheets": {f"r{i}": [] for i in range(raters)}}
        self.judgements = []
        for item in range(items):
            own = random.random()
            for rater in range(raters):
                u = own if random.random() < lean else random.random()
                score = 1 if u < second else 0 if u < second + same else -1
                left = int(random.integers(0, 2))
                side = "same" if score == 0 else "right" if (score == 1) == (left == 0) else "left"
                row = {"item": item, "left": left, "repeat": False}
                self.judgements.append(Judgement(f"r{rater}", row, side, None))
                if item < items // 5:
                    self.judgements.append(Judgement(f"r{rater}", {**row, "repeat": True, "left": 1 - left},
                                                     {"left": "right", "right": "left"}.get(side, side), None))


def check_coverage():
    """95 % intervals hold the true rates in about 95 % of the studies, though judgements of an item lean the same way."""
    random = np.random.default_rng(11)
    studies, held, wilson_held = 250, np.zeros(2), 0
    for study in range(studies):
        judged = Judgements(Study(random, items=80, raters=3, second=0.5, same=0.2))
        figures = preference_figures(judged, lambda f: agreement.bootstrap(f, 80, 200, study))
        held += [figures["low"][i] <= truth <= figures["high"][i] for i, truth in ((2, 0.5), (0, 0.3))]
        decided = judged.score[:, 0][judged.score[:, 0] != 0]  # one rater's decided judgements are independent
        low, high = agreement.wilson(int((decided > 0).sum()), len(decided))
        wilson_held += low <= 0.5 / 0.8 <= high
    shares = list(held / studies) + [wilson_held / studies]
    print("coverage of 95 % intervals (second, first, Wilson):", ", ".join(f"{100 * share:.1f} %" for share in shares))
    for share in shares:
        checks.that(0.91 <= share <= 0.985, f"95 % intervals hold the truth in {100 * share:.1f} % of {studies} studies")


def check_known_study():
    """Raters without chance: every figure is known."""
    study = Study(np.random.default_rng(2), items=50, raters=3, second=1.0, same=0.0)
    figures = collect_figures(Judgements(study), 50, 1)
    preference = figures["preference"]
    checks.that(preference["shares"] == [0, 0, 1] and preference["majority"]["items"] == [0, 0, 50], "not all prefer B")
    checks.near(preference["majority"]["sign_test_p"], 2 / 2**50, "sign test of 50:0", 1e-6)
    checks.that(figures["corpus_preference"]["shares"] == [0, 0.5, 0.5], "identical outputs are no preference")
    checks.that(figures["agreement"]["repeats"] == figures["agreement"]["repeats_same"] == 30, "repeats not judged alike")
    checks.near(figures["agreement"]["pairs_agreeing"], 1.0, "pairs agreeing")
    chance = agreement_figures(Judgements(Study(np.random.default_rng(3), 400, 3, 0.4, 0.2, lean=0.0)))
    checks.that(abs(chance["alpha_nominal"]) < 0.06, f"alpha of raters by chance is {chance['alpha_nominal']}")


check_published()
check_brute_force()
check_known_study()
check_coverage()
checks.done()
