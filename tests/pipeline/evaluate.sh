#!/usr/bin/env bash
# What rest_evaluate says of a policy is what sacreBLEU says of its texts, whatever the rank count; rest_translate gives
# the same texts.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
run=$work/run
policy=bc/g1-i0

chain 2 "$run" prepare train grow score
must 2 improve "$run" --step 0
cp -r "$run" "$work/two"
for ranks in 1 2; do
  at=$run
  ((ranks == 1)) || at=$work/two
  for corpus in valid test; do
    must $ranks evaluate "$at" --corpus $corpus
    must $ranks evaluate "$at" --corpus $corpus --policy $policy --compare g0-i0
    grep -q 'g0-i0' "$work/out" || failed "--compare is not in the output"
  done
done
same "2 ranks" "$work/two" "$run" metrics

"$REST_BIN/rest_translate" "$experiment" --run "$run" --policy $policy \
  <"$work/data/synthetic/test.src" >"$work/translated" 2>"$work/out" || { failed "rest_translate"; cat "$work/out" >&2; }

"$python" - "$run/metrics" "$work" <<'PYTHON' || failed "metrics"
import json, sys
metrics, work = sys.argv[1:]
failures = 0

def check(good, what):
    global failures
    if not good:
        print("FAILED:", what, file=sys.stderr)
        failures += 1

documents = {(policy, corpus): json.load(open(f"{metrics}/{policy.replace('/', '_')}.{corpus}.json"))
             for policy in ("g0-i0", "bc/g1-i0") for corpus in ("valid", "test")}
for (policy, corpus), document in documents.items():
    check((document["policy"], document["corpus"]) == (policy, corpus), f"{policy}.{corpus} names another policy")
    check(len(document["per_source"]["greedy"]) == document["sources"], f"{policy}.{corpus}: sources without output")
check(documents["g0-i0", "test"]["kl"]["mean_per_position"] == 0, "KL of g0-i0 to itself is not 0")
check(documents["bc/g1-i0", "test"]["kl"]["mean_per_position"] > 0, "KL of another policy is not above 0")
check(documents["g0-i0", "test"]["sources"] == 40, "not all of the test set is evaluated")

translated = open(f"{work}/translated", encoding="utf-8").read().split("\n")[:-1]
greedy = documents["bc/g1-i0", "test"]["per_source"]["greedy"]
check(translated == greedy, f"rest_translate gives other texts: {translated[:3]} not {greedy[:3]}")

try:
    import sacrebleu
except ImportError:
    print("skipped: comparison with sacreBLEU (not installed)")
    sys.exit(failures > 0)
references = open(f"{work}/data/synthetic/test.tgt", encoding="utf-8").read().split("\n")[:-1]
for policy in ("g0-i0", "bc/g1-i0"):
    document = documents[policy, "test"]
    texts = document["per_source"]["greedy"]
    for name, score in (("bleu", sacrebleu.corpus_bleu(texts, [references]).score),
                        ("chrf", sacrebleu.corpus_chrf(texts, [references]).score)):
        got = document["greedy"][name]
        print(f"{policy} {name}: {got:.6f}, sacreBLEU {score:.6f}")
        check(abs(got - score) < 1e-6, f"{name} of {policy} is {got}, sacreBLEU says {score}")
sys.exit(failures > 0)
PYTHON

finish "evaluation and translation agree"
