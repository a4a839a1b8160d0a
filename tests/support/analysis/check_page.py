#!/usr/bin/env python3
"""The comparison page is one sound HTML file that says what the metrics say: check_page.py RUN CORPUS PAGE POLICY..."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

from checks import Checks

VOID = {"meta", "input", "br", "hr", "link", "img"}
checks = Checks()


class Page(HTMLParser):
    """Elements in balance, and what each article shows; removed words (del) and notes are not part of an output."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.articles, self.tags = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        self.open.append((tag, attributes.get("class", "")))
        if tag == "article":
            self.articles.append({"attributes": attributes, "dd": [], "text": [], "number": []})
        elif self.articles and (tag == "dd" or attributes.get("class") in ("text", "number")):
            self.articles[-1]["dd" if tag == "dd" else attributes["class"]].append("")

    def handle_endtag(self, tag):
        checks.that(self.open and self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1:]}, line {self.getpos()[0]}")
        self.open.pop()

    def handle_data(self, data):
        tags, classes = [tag for tag, _ in self.open], [name for _, name in self.open]
        if "article" not in tags or "del" in tags or "note" in classes:
            return
        for kind in ("dd", "text", "number"):
            if kind in tags or kind in classes:
                self.articles[-1][kind][-1] += data


def check_nothing_from_elsewhere(page, text):
    for tag, attributes in page.tags:
        checks.that(tag not in ("link", "img", "iframe", "object", "base"), f"the page has <{tag}>")
        checks.that(not {"src", "href", "srcset", "style"} & set(attributes), f"<{tag}> refers to something: {attributes}")
        checks.that(not [name for name in attributes if name.startswith("on")], f"<{tag}> has a handler")
    checks.that(not re.search(r"url\(|@import|https?:|fetch\(|XMLHttp", text), "the page refers to the network")
    checks.that("default-src 'none'" in text, "the page allows what it does not need")
    checks.that(sum(tag == "script" for tag, _ in page.tags) == 1, "the page does not have one script")


def words(text):
    return " ".join(text.split())


def check_articles(page, corpus, metrics, sources, references, rows):
    checks.that(len(page.articles) == len(rows), f"{len(page.articles)} articles for {len(rows)} sources")
    checks.that(sorted(int(a["attributes"]["data-index"]) for a in page.articles) == list(range(len(rows))),
                "the articles are not all sources")
    gains = []
    for article in page.articles:
        place = int(article["attributes"]["data-index"])
        rewards = [m["per_source"]["greedy_reward"][place] for m in metrics]
        checks.that([words(text) for text in article["dd"]] ==
                    [words(sources[rows[place]]), words(references[rows[place]])], f"{corpus} {place}: source, reference")
        checks.that([words(text) for text in article["text"]] ==
                    [words(m["per_source"]["greedy"][place]) for m in metrics], f"{corpus} {place}: outputs")
        shown = [float(number.replace("\u2212", "-")) for number in article["number"] if number]
        wanted = [rewards[0]] + [value for reward in rewards[1:] for value in (reward, reward - rewards[0])]
        checks.that(len(shown) == len(wanted) and all(abs(a - b) < 6e-4 for a, b in zip(shown, wanted)),
                    f"{corpus} {place}: rewards {shown}, not {wanted}")
        gains.append(rewards[-1] - rewards[0])
    checks.that(gains == sorted(gains, reverse=True), "the biggest wins do not come first")


def check_references(metrics, references, rows):
    """Independent of how the sentences were matched: chrF of an output to the reference shown is its reward."""
    try:
        from sacrebleu.metrics import CHRF
    except ImportError:
        print("skipped: rewards by sacreBLEU (not installed)")
        return
    for place, row in enumerate(rows):
        score = CHRF().sentence_score(metrics["per_source"]["greedy"][place], [references[row]]).score
        checks.near(metrics["per_source"]["greedy_reward"][place], score / 100, f"reward of sentence {place}", 1e-5)


def main(run_path, corpus, page_file, *policies):
    from evaluation import EvaluatedCorpus
    from rest_run import Run
    run = Run(run_path)
    text = Path(page_file).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    page.close()
    checks.that(not page.open, f"never closed: {page.open}")
    check_nothing_from_elsewhere(page, text)
    metrics = [json.loads((run.path / "metrics" / f"{p.replace('/', '_')}.{corpus}.json").read_text()) for p in policies]
    rows = EvaluatedCorpus(run, corpus, list(policies)).rows
    sources, references = run.corpus_text(corpus, "source"), run.corpus_text(corpus, "target")
    check_articles(page, corpus, metrics, sources, references, rows)
    check_references(metrics[0], references, rows)
    checks.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
