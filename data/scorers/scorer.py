"""What a program has to do to be a reward (data/README.md): say that it is ready, then answer each line by one line."""

import json
import os
import sys


def serve(score, needs_reference=False):
    """`score(texts)` -> a reward in [0, 1] for each; texts are dicts: source, candidate and, where needed, reference."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    print(json.dumps({"needs_reference": needs_reference}), file=answers, flush=True)
    for line in open(sys.stdin.fileno(), encoding="utf-8"):
        asked = json.loads(line)
        rewards = [float(reward) for reward in score(asked["texts"])]
        print(json.dumps({"batch": asked["batch"], "rewards": rewards}), file=answers, flush=True)
