#!/usr/bin/env python3
"""sacreBLEU's scores of the pairs in a JSON file [[candidate, reference], ...], written to another as JSON."""

import json
import sys

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a


def main(pairs_file, scores_file):
    with open(pairs_file, encoding="utf-8") as file:
        pairs = json.load(file)
    candidates = [pair[0] for pair in pairs]
    references = [pair[1] for pair in pairs]
    tokenize, sentence_bleu = Tokenizer13a(), BLEU(effective_order=True)
    scores = {
        "tokens": [tokenize(c.rstrip()).split() for c in candidates],
        "sentence_bleu": [sentence_bleu.sentence_score(c, [r]).score for c, r in pairs],
        "sentence_chrf": [CHRF().sentence_score(c, [r]).score for c, r in pairs],
        "corpus_bleu": BLEU(force=True).corpus_score(candidates, [references]).score,
        "corpus_chrf": CHRF().corpus_score(candidates, [references]).score,
    }
    with open(scores_file, "w", encoding="utf-8") as file:
        json.dump(scores, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
