#!/usr/bin/env bash
# Ways of decoding: Best-of-N, minimum Bayes risk and beam search say what a computation from their own texts says,
# whatever the rank count; --estimate foretells what a Grow step then writes, and leaves the run alone.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
run=$work/run
metrics=$run/metrics

chain 2 "$run" prepare train
cp -r "$run" "$work/two"
for ranks in 1 2; do
  at=$run
  ((ranks == 1)) || at=$work/two
  must $ranks evaluate "$at" --corpus test --best-of 1,2,5,20 --mbr --beam 3 --length-penalty 0.6
done
cp "$work/out" "$work/first"
same "2 ranks" "$work/two" "$run" metrics
for words in 'greedy  ' 'beam 3, length penalty 0.6' 'minimum Bayes risk, 20 samples' 'best by reward of 20' '    20  '; do
  grep -qF -- "$words" "$work/first" || { failed "no '$words' in the output"; cat "$work/first" >&2; }
done

# Another list of the same largest N is another view of the same file; a larger one is another file.
before=$(digests "$run" metrics)
must 1 evaluate "$run" --corpus test --best-of 3,20
grep -q '^ *3  ' "$work/out" || failed "N = 3 is not printed"
[[ $before == "$(digests "$run" metrics)" ]] || failed "another list of N made other files"
must 1 evaluate "$run" --corpus test --best-of 21 --beam 1 --temperature 0.5
ls "$metrics"/g0-i0.test.best_of_21.t0.5.json "$metrics"/g0-i0.test.beam_1_lp1.0.json >/dev/null || failed "files are missing"
for wrong in "--best-of 0" "--best-of 1,201" "--best-of 5 --temperature 0" "--length-penalty 1" "--beam 0"; do
  code=0
  # shellcheck disable=SC2086
  rest 1 evaluate "$run" --corpus test $wrong || code=$?
  ((code == 2)) || { failed "rest_evaluate $wrong ends with $code"; cat "$work/out" >&2; }
done

# rest_translate: greedy is a beam of one, and beams are those of the evaluation.
translate() { "$REST_BIN/rest_translate" "$experiment" --run "$run" "$@" <"$work/data/synthetic/test.src" 2>"$work/out"; }
translate >"$work/greedy" || failed "rest_translate"
translate --beam 1 >"$work/beam_1" || failed "rest_translate --beam 1"
translate --beam 3 --length-penalty 0.6 >"$work/beam_3" || failed "rest_translate --beam 3"
cmp -s "$work/greedy" "$work/beam_1" || failed "a beam of one is not greedy"
translate --beam 3 --temperature 0.5 >/dev/null && failed "--beam and --temperature go together"

"$python" - "$metrics" "$work" <<'PYTHON' || failed "metrics"
import json, math, sys
metrics, work = sys.argv[1:]
failures = 0

def check(good, what):
    global failures
    if not good:
        print("FAILED:", what, file=sys.stderr)
        failures += 1

def load(kind):
    return json.load(open(f"{metrics}/g0-i0.test{kind}.json"))

plain, best, mbr, beam = load(""), load(".best_of_20"), load(".mbr_20"), load(".beam_3_lp0.6")
mean = lambda values: math.fsum(values) / len(values)
close = lambda a, b: abs(a - b) < 1e-9

check(len(best["best_reward"]["value"]) == 20, "the curve does not run to 20")
check(all(a < b for a, b in zip(best["best_reward"]["value"], best["best_reward"]["value"][1:])), "the curve falls")
check(close(best["best_reward"]["value"][-1], mean(best["per_source"]["reward"])), "best of all is not the picks' mean")
check(all(low <= value <= high for low, value, high in zip(*[best["best_reward"][k] for k in ("low", "value", "high")])),
      "intervals do not hold their value")
check(best["reward_is_chrf"] and all(abs(100 * r - c) < 1e-4 for r, c in zip(best["best_reward"]["value"],
      best["chrf_of_best"]["value"])), "reward and chrF differ though the reward is chrF")
check(best["output"]["reward"]["value"] > mbr["output"]["reward"]["value"], "Best-of-N is no bound")
for document in (best, mbr, beam):
    check(document["per_source"]["text"] != plain["per_source"]["greedy"], f"{document['decoding']} gives greedy output")
    check(close(document["greedy"]["bleu"]["value"], plain["greedy"]["bleu"]), "greedy BLEU differs")
    check(close(document["greedy"]["reward"]["value"], plain["greedy"]["mean_reward"]), "greedy reward differs")
    for key in ("reward", "bleu", "chrf"):
        difference = document["output"][key]["value"] - document["greedy"][key]["value"]
        check(close(document["minus_greedy"][key]["value"], difference), f"{key} minus greedy")
check(load(".beam_1_lp1.0")["per_source"]["text"] == plain["per_source"]["greedy"], "a beam of one is not greedy")

lines = lambda name: open(f"{work}/{name}", encoding="utf-8").read().split("\n")[:-1]
check(lines("beam_3") == beam["per_source"]["text"], "rest_translate --beam gives other texts")
record = json.load(open(f"{metrics}/g0-i0.test.mbr_20.json.commit.json"))
check(record["sidecar"]["mbr_seconds"] > 0, "no time of minimum Bayes risk")

try:
    import sacrebleu
except ImportError:
    print("skipped: comparison with sacreBLEU (not installed)")
    sys.exit(failures > 0)
references = lines("data/synthetic/test.tgt")
for document in (best, mbr, beam):
    texts = document["per_source"]["text"]
    for name, score in (("bleu", sacrebleu.corpus_bleu(texts, [references]).score),
                        ("chrf", sacrebleu.corpus_chrf(texts, [references]).score)):
        got = document["output"][name]["value"]
        check(abs(got - score) < 1e-6, f"{name} of {document['decoding']} is {got}, sacreBLEU says {score}")
sys.exit(failures > 0)
PYTHON

# A damaged file is found, and the command that makes it again is told.
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 || { failed "rest_verify"; cat "$work/out" >&2; }
cp -r "$run" "$work/damaged"
printf 'x' >>"$work/damaged/metrics/g0-i0.test.beam_3_lp0.6.json"
"$REST_BIN/rest_verify" "$work/damaged" >"$work/out" 2>&1 && failed "rest_verify overlooks damage"
grep -qF 'rest_evaluate --policy g0-i0 --corpus test --beam 3 --length-penalty 0.6' "$work/out" ||
  { failed "rest_verify names another command"; cat "$work/out" >&2; }

# Best-of-1 over the samples is their mean: the plain evaluation's of as many.
must 1 evaluate "$work/two" --corpus test --set evaluate.samples=20 --temperature 0.8
"$python" - "$work/two/metrics" <<'PYTHON' || failed "Best-of-1 is not the mean of the samples"
import json, sys
best, plain = (json.load(open(f"{sys.argv[1]}/g0-i0.test{kind}.json")) for kind in (".best_of_20", ".t0.8"))
sys.exit(abs(best["best_reward"]["value"][0] - plain["sampled"]["mean_reward"]) > 1e-9)
PYTHON

# --- the estimate
before=$(cd "$run" && find . -path ./log -prune -o -type f -print | sort)
must 2 grow "$run" --estimate --sources 80 --json "$work/estimate.json"
[[ $before == "$(cd "$run" && find . -path ./log -prune -o -type f -print | sort)" ]] || failed "--estimate wrote to the run"
find "$TMPDIR" -name 'rest-estimate-*' | grep . && failed "--estimate left files behind"
must 1 grow "$run" --estimate --sources 20 --for-ranks 64 --candidates 890e6 --json "$work/large.json"
for words in 'candidate tokens/s' 'core-hours' '890,000,000 candidates' '64 ranks'; do
  grep -qF -- "$words" "$work/out" || { failed "no '$words' in the estimate"; cat "$work/out" >&2; }
done
code=0
rest 1 grow "$run" --for-ranks 2 || code=$?
((code == 2)) || failed "--for-ranks without --estimate ends with $code"
must 2 grow "$run"
must 2 score "$run"
"$python" - "$run" "$work" <<'PYTHON' || { failed "the estimate"; cat "$work/estimate.json" >&2; }
import json, pathlib, sys
run, work = map(pathlib.Path, sys.argv[1:])
estimate, large = (json.load(open(work / name)) for name in ("estimate.json", "large.json"))
step, big = estimate["step"], large["step"]
there = sum(p.stat().st_size for folder in ("", "rewards/chrf") for p in (run / "grow/g1" / folder).glob("shard-*"))
print(f"disk: {there} bytes, {step['disk_bytes']:.0f} estimated")
good = [
    abs(step["disk_bytes"] / there - 1) < 0.1,
    step["candidates"] == step["sources"] * 4,
    step["shards"] == len(list((run / "grow/g1").glob("shard-*.h5"))),
    step["wall_seconds"]["low"] <= step["wall_seconds"]["value"] <= step["wall_seconds"]["high"],
    abs(big["core_hours"]["value"] - big["wall_seconds"]["value"] * 64 / 3600) < 1e-6 * big["core_hours"]["value"],
    big["candidates"] == 890e6 and big["sources"] == 890e6 / 4,
    estimate["measured"]["batches"] == 4 and estimate["measured"]["sources"] == 80,
]
print(good)
sys.exit(not all(good))
PYTHON

if "$python" -c 'import matplotlib, h5py' 2>/dev/null; then
  export MPLCONFIGDIR=$work/tmp MPLBACKEND=Agg PYTHONDONTWRITEBYTECODE=1
  "$python" "$repository/data/analysis/best_of_n.py" "$run" --corpus test >"$work/best_of_n.out" 2>&1 ||
    { failed "best_of_n.py"; cat "$work/best_of_n.out" >&2; }
  [[ -s $run/report/best_of_n.test.png ]] || failed "best_of_n.py drew nothing"
  grep -q 'g0-i0' "$work/best_of_n.out" || failed "best_of_n.py leaves out g0-i0"
else
  echo "skipped: the figure (no matplotlib)"
fi

finish "ways of decoding and the estimate"
