"""What filled-in blinded sheets say of two policies: preferences, ratings, agreement, relation to the reward."""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np

import agreement
from blind_picture import draw
from blind_read import Sheets
from tables import as_markdown, as_text


class Judgements:
    """The first judgement of each rater on each item as a table, and the second ones beside."""

    def __init__(self, sheets):
        self.key = sheets.key
        first = [j for j in sheets.judgements if not j.repeat]
        self.raters = sorted({j.rater for j in first}, key=list(self.key["sheets"]).index)
        self.items = sorted({j.item for j in first})
        shape = (len(self.items), len(self.raters))
        self.score = np.full(shape, np.nan)  # [items, raters]: +1 second policy, -1 first, 0 same
        self.ratings = np.full(shape + (2,), np.nan)  # [items, raters, policies]
        place = {item: i for i, item in enumerate(self.items)}
        by = {}
        for j in first:
            at = place[j.item], self.raters.index(j.rater)
            self.score[at] = j.score
            if j.ratings is not None:
                self.ratings[at] = j.ratings
            by[j.rater, j.item] = j
        self.sides = [j.side for j in first if j.side != "same"]
        again = [j for j in sheets.judgements if j.repeat and (j.rater, j.item) in by]
        self.repeated = [(by[j.rater, j.item], j) for j in again]
        self.rewards = np.array([self.key["items"][item]["rewards"] for item in self.items])  # [items, policies]

    def item_scores(self):
        """Mean over an item's raters; every item has at least one."""
        return np.nanmean(self.score, 1)


def count_scores(scores):
    return [int((scores < 0).sum()), int((scores == 0).sum()), int((scores > 0).sum())]


def interval(pair):
    return [None if math.isnan(value) else float(value) for value in pair]


def number(value):
    return None if value is None or math.isnan(value) else float(value)


def preference_figures(judged, bootstrap):
    """Over all judgements, items drawn with replacement for intervals: judgements of one item are not independent."""
    def shares(items):
        scores = judged.score[items]
        return np.array([(scores < 0).sum(), (scores == 0).sum(), (scores > 0).sum()]) / (~np.isnan(scores)).sum()
    everything = np.arange(len(judged.items))
    low, high = bootstrap(shares)
    net = bootstrap(lambda items: np.nanmean(judged.score[items]))
    known = judged.score[~np.isnan(judged.score)]
    majority = np.sign(np.nansum(judged.score, 1))
    first, same, second = count_scores(majority)
    return {
        "judgements": count_scores(known), "shares": shares(everything).tolist(), "low": low.tolist(), "high": high.tolist(),
        "net": {"value": float(known.mean()), "interval": interval(net)},
        "majority": {"items": [first, same, second], "sign_test_p": agreement.sign_test(first, second),
                     "second_of_decided": second / (first + second) if first + second else None,
                     "interval": interval(agreement.wilson(second, first + second))}}


def with_identical(figures, key):
    """Shares over the corpus: sentences with identical outputs, which nobody was shown, are no preference."""
    drawn = key["drawn"]
    shown = drawn["differing"] / (drawn["differing"] + drawn["identical"])
    first, same, second = figures["shares"]
    return {"identical_share": 1 - shown, "shares": [first * shown, same * shown + 1 - shown, second * shown]}


def agreement_figures(judged):
    units = [row[~np.isnan(row)].tolist() for row in judged.score]
    pairs = [a == b for unit in units for a, b in combinations(unit, 2)]
    same = sum(first.score == second.score for first, second in judged.repeated)
    rated = [values[~np.isnan(values)].tolist() for i in range(len(judged.items))
             for values in (judged.ratings[i, :, 0], judged.ratings[i, :, 1])]
    return {
        "raters": len(judged.raters), "pairs": len(pairs), "pairs_agreeing": float(np.mean(pairs)) if pairs else None,
        "alpha_nominal": number(agreement.alpha(units, "nominal")),
        "alpha_ordinal": number(agreement.alpha(units, "ordinal")),
        "alpha_ratings": number(agreement.alpha(rated, "interval")),
        "repeats": len(judged.repeated), "repeats_same": same,
        "repeats_interval": interval(agreement.wilson(same, len(judged.repeated))),
        "repeats_alpha": number(agreement.alpha([[a.score, b.score] for a, b in judged.repeated], "nominal"))}


def rating_figures(judged, bootstrap):
    if np.isnan(judged.ratings).all():
        return None
    items = np.flatnonzero(~np.isnan(judged.ratings).all((1, 2)))
    by_item = np.nanmean(judged.ratings[items], 1)  # [items, policies]
    order = np.full(len(judged.items), -1)
    order[items] = np.arange(len(items))

    def means(chosen):
        rows = by_item[order[chosen][order[chosen] >= 0]]
        first, second = rows.mean(0) if len(rows) else (np.nan, np.nan)
        return np.array([first, second, second - first])
    low, high = bootstrap(means)
    value = means(np.arange(len(judged.items)))
    names = ("first", "second", "difference")
    return {name: {"value": float(value[i]), "interval": interval((low[i], high[i]))} for i, name in enumerate(names)}


def reward_figures(judged, bootstrap):
    """Does the reward prefer what people prefer?"""
    human, gap = judged.item_scores(), judged.rewards[:, 1] - judged.rewards[:, 0]
    decided = (human != 0) & (gap != 0)
    agree = int((np.sign(human) == np.sign(gap))[decided].sum())

    def both(items):
        return np.array([agreement.spearman(human[items], gap[items]), agreement.pearson(human[items], gap[items])])
    low, high = bootstrap(both)
    value = both(np.arange(len(human)))
    figures = {
        "mean_rewards": judged.rewards.mean(0).tolist(),
        "spearman": {"value": number(value[0]), "interval": interval((low[0], high[0]))},
        "pearson": {"value": number(value[1]), "interval": interval((low[1], high[1]))},
        "decided": int(decided.sum()), "same_sign": agree,
        "same_sign_interval": interval(agreement.wilson(agree, int(decided.sum())))}
    rated = ~np.isnan(judged.ratings).all(1)  # [items, policies]
    if rated.any():
        means = np.nanmean(np.where(rated[:, None, :], judged.ratings, 0), 1)
        figures["spearman_ratings"] = number(agreement.spearman(means[rated], judged.rewards[rated]))
    return figures


def position_figures(judged):
    left = judged.sides.count("left")
    return {"left": left, "decided": len(judged.sides), "interval": interval(agreement.wilson(left, len(judged.sides))),
            "sign_test_p": agreement.sign_test(left, len(judged.sides) - left)}


def collect_figures(judged, draws, seed):
    def bootstrap(statistic):
        return agreement.bootstrap(statistic, len(judged.items), draws, seed)
    preference = preference_figures(judged, bootstrap)
    return {
        "policies": judged.key["policies"], "reward": judged.key["reward"], "corpus": judged.key["corpus"],
        "items": len(judged.items),
        "raters": {rater: count_scores(judged.score[:, i]) for i, rater in enumerate(judged.raters)},
        "preference": preference, "corpus_preference": with_identical(preference, judged.key),
        "ratings": rating_figures(judged, bootstrap), "agreement": agreement_figures(judged),
        "with_reward": reward_figures(judged, bootstrap), "position": position_figures(judged)}


def percent(value):
    return "-" if value is None else f"{100 * value:.1f} %"


def percents(pair):
    return "-" if None in pair else f"{100 * pair[0]:.1f} - {100 * pair[1]:.1f} %"


def decimals(figure, form="+.3f"):
    if figure is None or figure["value"] is None:
        return "not defined"
    low, high = figure["interval"]
    return format(figure["value"], form) + ("" if None in (low, high) else f" [{format(low, form)}, {format(high, form)}]")


def preference_rows(figures):
    """A row each for the raters, all judgements, the majority, and the corpus."""
    rows = []
    for rater, counts in figures["raters"].items():
        rows.append([rater, f"{sum(counts):,}"] + [percent(count / sum(counts)) for count in counts])
    p = figures["preference"]
    shown = [f"{percent(share)} [{100 * low:.1f}, {100 * high:.1f}]"
             for share, low, high in zip(p["shares"], p["low"], p["high"])]
    rows.append(["all judgements", f"{sum(p['judgements']):,}"] + shown)
    majority = p["majority"]["items"]
    rows.append(["majority of an item", f"{sum(majority):,}"] + [percent(count / sum(majority)) for count in majority])
    whole = figures["corpus_preference"]
    if whole["identical_share"] > 0:
        rows.append(["with identical outputs", ""] + [percent(share) for share in whole["shares"]])
    return rows


def coefficient(value):
    return "not defined" if value is None else f"{value:.3f}"


def between_raters(agreed):
    if not agreed["pairs"]:
        return "Between raters: no item was judged by two"
    ratings = "" if agreed["alpha_ratings"] is None else f", ratings {coefficient(agreed['alpha_ratings'])} interval"
    return (f"Between raters: {percent(agreed['pairs_agreeing'])} of {agreed['pairs']:,} pairs of judgements agree; "
            f"Krippendorff's alpha {coefficient(agreed['alpha_nominal'])} nominal, "
            f"{coefficient(agreed['alpha_ordinal'])} ordinal{ratings}")


def remarks(figures):
    first, second = figures["policies"]
    majority, agreed = figures["preference"]["majority"], figures["agreement"]
    reward, position, ratings = figures["with_reward"], figures["position"], figures["ratings"]
    lines = [
        f"Sign test on items decided by majority: {second} wins {majority['items'][2]}, {first} {majority['items'][0]}, "
        f"p = {majority['sign_test_p']:.3g}; {second}'s share {percent(majority['second_of_decided'])} "
        f"(95 % Wilson interval {percents(majority['interval'])})",
        f"Net preference for {second} (-1 to 1): {decimals(figures['preference']['net'])}"]
    if ratings:
        lines.append(f"Mean rating: {first} {decimals(ratings['first'], '.3f')}, "
                     f"{second} {decimals(ratings['second'], '.3f')}, difference {decimals(ratings['difference'])}")
    lines.append(between_raters(agreed))
    lines.append(f"With themselves: {agreed['repeats_same']} of {agreed['repeats']} repeated items judged alike "
                 f"(95 % {percents(agreed['repeats_interval'])}), alpha {coefficient(agreed['repeats_alpha'])}")
    lines.append(f"Reward {figures['reward']} and preference: Spearman {decimals(reward['spearman'])}, Pearson "
                 f"{decimals(reward['pearson'])}; same sign in {reward['same_sign']} of {reward['decided']} items "
                 f"where both decide (95 % {percents(reward['same_sign_interval'])})"
                 + (f"; ratings and rewards: Spearman {coefficient(reward['spearman_ratings'])}"
                    if "spearman_ratings" in reward else ""))
    lines.append(f"Position: left preferred in {position['left']} of {position['decided']} decided judgements "
                 f"(95 % {percents(position['interval'])}, sign test p = {position['sign_test_p']:.3g})")
    return lines


NOTES = """Brackets are 95 % bootstrap intervals over items, all judgements of an item drawn together. Repeated items count
once. Alpha: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011); 1 is agreement, 0 what chance gives."""


def caption(figures):
    first, second = figures["policies"]
    return (f"Blinded comparison of {first} and {second} on {figures['corpus']}: {figures['items']:,} items, "
            f"{len(figures['raters'])} rater{'s' * (len(figures['raters']) > 1)}")


def as_report(figures, table, rows_apart):
    first, second = figures["policies"]
    headings = ["", "judgements", f"{first} better", "same", f"{second} better"]
    return "\n\n".join([caption(figures), table(headings, preference_rows(figures)),
                        rows_apart.join(remarks(figures)), NOTES]) + "\n"


def evaluate_sheets(options):
    judged = Judgements(Sheets(options.sheets, options.key, options.partial))
    figures = collect_figures(judged, options.bootstrap, options.seed)
    folder = Path(options.out) if options.out else Path(options.key).parent
    folder.mkdir(parents=True, exist_ok=True)
    text = as_report(figures, as_text, "\n")
    paths = [folder / f"evaluation.{ending}" for ending in ("txt", "md", "json", "png")]
    for path, content in zip(paths, (text, as_report(figures, as_markdown, "\n\n"), json.dumps(figures, indent=1) + "\n")):
        path.write_text(content, encoding="utf-8")
    draw(judged, figures, caption(figures), paths[-1])
    print(text)
    print(*paths, sep="\n")
