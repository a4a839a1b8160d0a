"""Statistics of human judgements: intervals, the sign test, agreement of raters, rank correlation."""

import math
import warnings

import numpy as np


def wilson(successes, trials, z=1.959964):
    """95 % interval of a share (Wilson 1927, score interval; Brown, Cai, DasGupta 2001 recommend it)."""
    if not trials:
        return math.nan, math.nan
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return centre - reach, centre + reach


def sign_test(wins, losses):
    """Two-sided p of so uneven a split, or one more so, when both are equally likely (ties left out)."""
    n, fewer = wins + losses, min(wins, losses)
    if not n:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**n))


def bootstrap(statistic, items, draws, seed, level=0.95):
    """Percentile interval of a statistic over items drawn with replacement; `statistic` takes an array of positions and
    may give several values. NaNs (a draw on which it is not defined) are left out."""
    random = np.random.Generator(np.random.Philox(seed))
    values = np.array([statistic(random.integers(0, items, items)) for _ in range(draws)], np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no draw defines it, neither is the interval
        return tuple(np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0))


def alpha(units, level):
    """Krippendorff's alpha, 1 - observed / expected disagreement (Krippendorff, "Computing Krippendorff's
    Alpha-Reliability", 2011, section "any number of observers, missing data"). `units`: for each item the values its
    raters gave, in any order; `level`: nominal, ordinal or interval. NaN where it is not defined: no item with two
    values, or the same value everywhere."""
    values = sorted({value for unit in units for value in unit})
    place = {value: i for i, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        if len(unit) < 2:
            continue
        counts = np.bincount([place[value] for value in unit], minlength=len(values))
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(0)
    n = totals.sum()
    distance = _distances(values, totals, level)
    expected = (np.outer(totals, totals) * distance).sum()
    return 1 - (n - 1) * (coincidences * distance).sum() / expected if expected > 0 else math.nan


def _distances(values, totals, level):
    """Squared difference of each two values."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        numbers = np.asarray(values, np.float64)
        return (numbers[:, None] - numbers[None, :]) ** 2
    if level == "ordinal":  # how many values lie between, the ends by halves
        middle = np.cumsum(totals) - totals / 2
        return (middle[:, None] - middle[None, :]) ** 2
    raise ValueError(f"no level of measurement {level}")


def pearson(x, y):
    x, y = np.asarray(x, np.float64) - np.mean(x), np.asarray(y, np.float64) - np.mean(y)
    scale = math.sqrt((x @ x) * (y @ y))
    return float(x @ y) / scale if scale > 1e-12 else math.nan


def ranks(values):
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(x, y):
    return pearson(ranks(x), ranks(y))
